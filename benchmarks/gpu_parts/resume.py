"""A pre-training that is killed and continued, beside one that is not: the same weights at the end?"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpu_parts.made_up import write_shards
from gpu_parts.sizes import Sizes

from pretrace.common.errors import PretraceError
from pretrace.common.processes import exit_with_pool_owner
from pretrace.schemas.machines.gpu import GpuResume
from pretrace.settings import Settings


def measure_resume(sizes: Sizes, scale: str, seconds: float) -> Iterator[tuple[str, str, Any]]:
    """Yield whether a run that was killed halfway ends in the weights of one that was not."""
    import torch

    steps, every = sizes.run_steps, sizes.run_steps // 3
    compiled = {"compile": "on"} if sizes.compiled else {}
    settings = sizes.settings(
        scale, steps=steps, warmup_steps=1, checkpoint_every=every, validate_every=steps, sample_every=None, **compiled
    )
    tokens = 20 * settings.scale.model.context * int(settings.scale.pretrain.batch_size or 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards = write_shards(folder / "shards", settings.scale.vocabulary.size, tokens)
        whole, _ = _run(settings, shards, folder / "whole")
        _, killed_after = _run(settings, shards, folder / "killed", kill_after=steps // 2)
        again, made = _run(settings, shards, folder / "killed")
        weights, others = (torch.load(path, weights_only=True) for path in (whole, again))
    apart = {key: float((weights[key].float() - others[key].float()).abs().max()) for key in weights}
    same = all(torch.equal(weights[key], others[key]) for key in weights)
    yield (
        "resume",
        scale,
        GpuResume(
            steps=steps,
            killed_after=killed_after,
            resumed_from=steps - made,
            same_bytes=same,
            largest_difference=float(f"{max(apart.values()):.2g}"),
        ),
    )


def _run(settings: Settings, shards: Path, folder: Path, kill_after: int | None = None) -> tuple[Path, int]:
    """Pre-train in a process of its own, with checkpoints in a folder; return the weights' file and the steps made.

    Args:
        kill_after: steps after which the process kills itself.
    """
    folder.mkdir(exist_ok=True)
    weights, made = folder / "weights.pt", multiprocessing.get_context("fork").Value("i", 0)
    process = multiprocessing.get_context("fork").Process(
        target=_pretrain, args=(settings, shards, folder, weights, made, kill_after)
    )
    process.start()
    process.join()
    if process.exitcode != (0 if kill_after is None else -signal.SIGKILL):
        raise PretraceError(f"a pre-training ended with exit code {process.exitcode} after {made.value} steps")
    return weights, made.value


def _pretrain(settings: Settings, shards: Path, folder: Path, weights: Path, made: Any, kill_after: int | None) -> None:
    import torch

    from pretrace.training.pretraining.run import pretrain

    exit_with_pool_owner()
    os.environ["DVC_ROOT"] = str(folder)  # where checkpoints are

    def publish() -> None:
        made.value += 1
        if made.value == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    result = pretrain(settings.pretrain.seeds[0], settings, shards, publish)
    assert result
    torch.save({name: weight.cpu() for name, weight in result.model.state_dict().items()}, weights)
