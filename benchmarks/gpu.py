"""Measurements of a GPU in at most eight minutes: one prepared script for a machine that is lent for a short time.

    python benchmarks/gpu.py                             # all parts
    python benchmarks/gpu.py speed-gpt1 resume           # some
    python benchmarks/gpu.py --sizes tiny --out DIR      # on a CPU, in seconds: shows that it works

It needs PyTorch 2.11 or newer and what `pip install pretrace` brings along; no corpus, no task files, no DVC. Each part
has a process and a budget of its own. One that fails, or whose time is over, is reported in one line; the others go on.
Results go to <DIR>/<device>.json after each part, so that nothing is lost with the machine.

parity-*        loss, logits and gradients of an update in float32 against the CPU; the compiled bfloat16 loss, too
speed-*         steps with dropout, bfloat16 and torch.compile beside plain PyTorch in nanoGPT's shape, in turns
resume          a pre-training killed halfway and continued: the same bytes as without the kill?
finetuning      all seeds of made-up pairs of RTE's size, at once and one alone
check-*         the scale as its file has it, as `pretrace check` measures it: micro-batch, memory, tokens/s
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

STARTED = time.monotonic()
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))  # on a bare machine pretrace is not installed

from gpu_parts.budget import Found, Part, run_part  # noqa: E402
from gpu_parts.device import device_name, stated_peak  # noqa: E402
from gpu_parts.finetune import measure_finetuning  # noqa: E402
from gpu_parts.parity import measure_parity  # noqa: E402
from gpu_parts.resume import measure_resume  # noqa: E402
from gpu_parts.sizes import ROOT, SIZES, Sizes  # noqa: E402
from gpu_parts.speed import measure_check, measure_speed  # noqa: E402
from gpu_parts.table import line_of, table_of  # noqa: E402

from pretrace.common.provenance import provenance  # noqa: E402
from pretrace.schemas.machines.gpu import GpuRecord  # noqa: E402
from pretrace.schemas.record import read_optional_record, write_record  # noqa: E402

SECONDS = 470.0
"""For all parts: less than eight minutes, with the start and the end."""
LOADED = ("torch._dynamo", "torch._inductor.config", "pretrace.preflight.timing", "pretrace.training.pretraining.run")
"""Modules that are loaded once, before processes are forked. None uses a GPU, which could not be shared then."""


def parts_of(sizes: Sizes) -> dict[str, Part]:
    """Return the parts by name, most wanted first."""
    small, large = ("gpu", "gpt1") if sizes.name == "full" else ("laptop", "laptop")
    return {
        f"parity-{small}": Part(35, partial(measure_parity, sizes, small)),
        f"speed-{large}": Part(115, partial(measure_speed, sizes, large)),
        f"speed-{small}": Part(80, partial(measure_speed, sizes, small)),
        "resume": Part(75, partial(measure_resume, sizes, small)),
        "finetuning": Part(65, partial(measure_finetuning, sizes, large)),
        f"check-{small}": Part(35, partial(measure_check, sizes, small)),
        f"check-{large}": Part(40, partial(measure_check, sizes, large)),
        f"parity-{large}": Part(25, partial(measure_parity, sizes, large)),
    }


def main(arguments: list[str]) -> int:
    """Run the named parts, or all; print a line for each and a table, and write the record."""
    parser = argparse.ArgumentParser(description="Measure a GPU in at most eight minutes.")
    parser.add_argument("parts", nargs="*", help="parts to run (all)")
    parser.add_argument("--sizes", choices=[*SIZES], default="full", help="tiny: on a CPU, in seconds (full)")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "gpu", help="folder of the record (reports/gpu)")
    options = parser.parse_args(arguments)
    parts = parts_of(SIZES[options.sizes])
    if unknown := sorted(set(options.parts) - set(parts)):
        parser.error(f"no part {', '.join(unknown)}; takes {', '.join(parts)}")
    for module in LOADED:
        importlib.import_module(module)
    device = _ask_device()
    if options.sizes == "full" and device == "cpu":
        parser.error("PyTorch sees no GPU (docs/gpu.md); --sizes tiny runs on a CPU")
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{re.sub(r'[^a-z0-9]+', '-', device.lower())}.json"
    record = _begin(options.sizes, device, path, kept=bool(options.parts))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as tempfile.tempdir:  # also of parts that are stopped
        for name in options.parts or parts:
            ended = run_part(parts[name], SECONDS - (time.monotonic() - STARTED), partial(_keep, record))
            record.parts[name] = ended
            record = record.model_copy(update={"seconds": round(time.monotonic() - STARTED, 1)})
            write_record(path, record)
            print(line_of(name, ended), flush=True)
    print(f"\n{table_of(record)}\n\n{path}: {record.seconds:.0f} s")
    return 1 if any(part.error for part in record.parts.values()) else 0


def _ask_device() -> str:
    """Return the device's name, asked for in a process of its own: one that has used a GPU cannot be forked."""
    found: list[str] = []
    asked = run_part(Part(60, lambda _: iter([("", "", device_name())])), SECONDS, lambda one: found.append(one[2]))
    return found[0] if found else sys.exit(f"gpu.py: the device does not answer: {asked.error}")


def _begin(sizes: str, device: str, path: Path, kept: bool) -> GpuRecord:
    """Return the record to fill; with `kept`, what an earlier run of the same code found is in it."""
    import torch

    facts: dict[str, Any] = {
        **provenance(),
        **{"device": device, "torch": torch.__version__, "sizes": sizes, "seconds": 0.0},
        "stated_peak_flops": stated_peak(device),
    }
    before = read_optional_record(path, GpuRecord) if kept else None
    values = before.as_json() if before and (before.commit, before.sizes) == (facts["commit"], sizes) else {}
    sections: dict[str, Any] = {name: {} for name in ("parts", "parity", "speed", "check", "resume", "finetuning")}
    return GpuRecord.model_validate(sections | values | facts)


def _keep(record: GpuRecord, found: Found) -> None:
    section, scale, value = found
    getattr(record, section)[scale] = value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
