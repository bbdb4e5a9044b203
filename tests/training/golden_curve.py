"""Print the loss curves that must not move, as JSON: float32, one thread, 20 steps, dropout off and on.

    python tests/training/golden_curve.py > tests/training/golden_curve.json      # where they are meant to move

In a process of its own with the environment below, which is read when PyTorch is loaded: they make it take the
plainest of its kernels, which are the same on all processors of a maker. Another maker's differ in the seventh digit of
some losses (caches of other sizes, so sums in another order).
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from pathlib import Path

ENVIRONMENT = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}
CASES = {
    "dropout off": {"model.dropout": 0.0},
    "dropout on": {"model.dropout": 0.1, "pretrain.optimizer": "openai_adam"},
    "lstm": {"kind": "lstm"},
}


def curves() -> dict[str, list[str]]:
    """Return, by case, the loss of each step with ten digits."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from pretrace.training.distributed.sigterm import Sigterm
    from pretrace.training.engine.checkpoint import Checkpoints
    from pretrace.training.engine.device import choose_device
    from pretrace.training.objectives.causal_lm import CausalLM
    from pretrace.training.pretraining.trainer import Trainer
    from tests.helpers.small_training import make_shards, settings_with

    losses: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        shards = make_shards(Path(name))
        for case, changes in CASES.items():
            device, checkpoints = choose_device("float32", 1), Checkpoints(Path(name) / case)
            trainer = Trainer(3, settings_with(changes), shards, device, checkpoints, CausalLM())
            losses[case] = [f"{step.loss:.10g}" for step in trainer.steps(Sigterm())]
    return losses


def processor_maker() -> str:
    """Return the name that the processor gives of its maker, as `GenuineIntel`; where none is to be read, ""."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(":")[1].strip() for line in lines if line.startswith("vendor_id")), "")


if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in ENVIRONMENT.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ENVIRONMENT})
    import torch

    known = {"torch": torch.__version__.split("+")[0], "machine": f"{platform.machine()} {processor_maker()}"}
    print(json.dumps(known | curves(), indent=1))
