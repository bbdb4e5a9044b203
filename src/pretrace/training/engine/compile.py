"""Whether the blocks of a transformer go through `torch.compile`, and what happens where they can not.

The choice is a function of the settings, the device and the size of the run, and of nothing measured while it runs: two
runs of the same thing have the same bytes. It rests on these figures (docs/log.md):

- a CPU, laptop scale, bfloat16: 22 to 24 s to compile, then 1.01 to 1.07 times as fast without dropout and 0.86 times
  with it, as the masks are drawn outside the compiled code. `auto` leaves it.
- a GPU, reckoned and not measured: 40 s to compile are a tenth of what 1e17 floating-point operations take at
  250 TFLOP/s, and what it fuses is more than a tenth of a step there. `auto` takes it from there on.

One block is compiled, for training alone, and serves all layers; each shape of a batch is compiled by itself, so that
the code does not depend on which shapes came before.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from pretrace.model.language_model import LanguageModel

PAYS_FROM_FLOPS = {"cuda": 1e17}
"""Floating-point operations of a run, in each process, from which compiling pays; never on a device not named."""


def compile_blocks(model: LanguageModel, choice: str, device: str, flops: float, trial: Callable[[], None]) -> str:
    """Make training use compiled blocks if they pay; returns a line for the log with the choice and its reason.

    Args:
        model: an LSTM stays as it is, as its time goes into one kernel.
        choice: `auto`, `on` or `off`.
        device: `cpu` or `cuda`.
        flops: floating-point operations of the run in this process.
        trial: passes a micro-batch forward and back through the model, so that a failure comes here and not later.
    """
    if not len(model.blocks):
        return "not compiled (no blocks: an LSTM is one kernel)"
    pays, reason = _pays(device, flops) if choice == "auto" else (choice == "on", "as set")
    if not pays:
        return f"not compiled ({reason})"
    try:
        model.compiled_block = torch.compile(type(model.blocks[0]).__call__, dynamic=False)
        trial()
    except Exception as error:  # whatever a compiler, or the lack of one, raises
        model.compiled_block = None
        trial()  # what fails now, too, is no failure of the compiler
        what = str(error).strip().splitlines() or [type(error).__name__]
        return f"not compiled: torch.compile failed ({what[0][:200]}); training goes on without it"
    return f"compiled ({reason})"


def is_compiled(model: LanguageModel) -> bool:
    """Whether training runs compiled blocks, which round in other places than those that are not."""
    return model.compiled_block is not None


def change(before: bool | None, model: LanguageModel) -> str:
    """What there is to say where a run goes on that was compiled `before` and is not now, or the other way round.

    Args:
        before: None where there were no updates.
    """
    if before in (None, is_compiled(model)):
        return ""
    return f"; the updates before were {'' if before else 'not '}compiled: the weights may differ in their last bits"


def _pays(device: str, flops: float) -> tuple[bool, str]:
    if device not in PAYS_FROM_FLOPS:
        return False, f"auto: gains too little on a {device}"
    least = PAYS_FROM_FLOPS[device]
    return flops >= least, f"auto: a run of {flops:.2g} FLOPs; pays from {least:.2g}"
