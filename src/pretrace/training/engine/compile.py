"""Compilation of a model's blocks with `torch.compile`, and the fallback where it fails.

The choice depends on the settings, the device and the size of the run, and on nothing measured during it: two runs of
the same thing have the same bytes. It is based on these figures (docs/log.md):

- CPU, laptop scale, bfloat16: 22 to 24 s to compile, then 1.01 to 1.07 times the speed without dropout and 0.86 times
  with it, as the masks are drawn outside the compiled code. `auto` does not compile.
- GPU, estimated and not measured: 40 s to compile are a tenth of the time for 1e17 floating-point operations at
  250 TFLOP/s, and fusion saves more than a tenth of a step there. `auto` compiles from there on.

One compiled block, for training alone, serves all layers; each shape of a batch is compiled by itself, so that the
code does not depend on which shapes came before.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from pretrace.model.language_model import LanguageModel

MIN_FLOPS = {"cuda": 1e17}
"""Floating-point operations per process from which compiling a run pays, by device; never on any other."""


def compile_blocks(
    model: LanguageModel, choice: str, device: str, flops: float, try_batch: Callable[[], object]
) -> str:
    """Make training use compiled blocks if they pay; return a line for the log with the choice and its reason.

    Args:
        model: one without blocks stays as it is.
        choice: `auto`, `on` or `off`.
        device: `cpu` or `cuda`.
        flops: floating-point operations of the run in this process.
        try_batch: passes a micro-batch forward and backward, so that a failure comes here and not later.
    """
    if not len(model.blocks):
        return "not compiled (no blocks: an LSTM is one kernel)"
    pays, reason = _pays(device, flops) if choice == "auto" else (choice == "on", "as set")
    if not pays:
        return f"not compiled ({reason})"
    try:
        model.compiled_block = torch.compile(type(model.blocks[0]).__call__, dynamic=False)
        try_batch()
    except Exception as error:  # whatever a compiler, or the lack of one, raises
        model.compiled_block = None
        try_batch()  # an error now is not the compiler's
        message = str(error).strip().splitlines() or [type(error).__name__]
        return f"not compiled: torch.compile failed ({message[0][:200]}); training continues without it"
    return f"compiled ({reason})"


def is_compiled(model: LanguageModel) -> bool:
    """Return whether training runs compiled blocks, which round differently from others."""
    return model.compiled_block is not None


def describe_change(compiled_before: bool | None, model: LanguageModel) -> str:
    """Return what to add to the log if a run is compiled now and was not before it was resumed, or the reverse.

    Args:
        compiled_before: None if there were no steps before.
    """
    if compiled_before in (None, is_compiled(model)):
        return ""
    before = "compiled" if compiled_before else "not compiled"
    return f"; the steps before were {before}: the weights may differ in their last bits"


def _pays(device: str, flops: float) -> tuple[bool, str]:
    if device not in MIN_FLOPS:
        return False, f"auto: gains too little on a {device}"
    least = MIN_FLOPS[device]
    return flops >= least, f"auto: a run of {flops:.2g} FLOPs; pays from {least:.2g}"
