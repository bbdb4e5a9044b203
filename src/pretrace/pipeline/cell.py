"""The cell of a matrix that a stage runs: from its arguments, else from the address that DVC gives it.

No command in dvc.yaml contains a name from params.yaml: DVC inserts values into a command as they are, a shell reads
them, and no check comes before that whatever the order of the stages. DVC sets the environment variable DVC_STAGE to
the address of the stage (`finetune@source-full`, or `../dvc.yaml:finetune@source-full` from a folder below), which no
shell reads. A stage takes its names from there, and only if the settings have them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from pretrace.common.errors import PretraceError
from pretrace.settings import Settings

AXES = ("systems", "tasks", "variants", "sequences", "learners")
"""Sections of the settings that the matrix of a stage can run over."""


def read_cell(stage: str, axes: Sequence[str], arguments: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Return the names of a stage's cell, such as ("source", "full"), all of which the settings have.

    Args:
        stage: name in dvc.yaml, without a cell.
        axes: sections of the settings that the matrix runs over, in the order of dvc.yaml: some of `AXES`.
        arguments: names given by hand; without any, DVC's address of the stage is taken.

    Raises:
        PretraceError: the names are missing, too many, or not in the settings.
    """
    by_hand = " ".join(axis.removesuffix("s").upper() for axis in axes)
    names = tuple(arguments)
    if not names:
        address = os.environ.get("DVC_STAGE", "")
        group, _, key = address.rpartition(":")[2].partition("@")
        # The settings allow no "-" in a name, so the parts are those that DVC joined.
        names = tuple(key.split("-")) if group == stage and key else ()
        if not names:
            started = f"DVC runs {address}, which is no cell of it" if address else "DVC says which, and does not run"
            raise PretraceError(f"which one? {started}; by hand: python stages/{stage}.py {by_hand}")
    if len(names) != len(axes):
        raise PretraceError(f"takes {by_hand}, got {len(names)} names: {' '.join(names)}")
    sections = names_by_axis(settings)
    for axis, name in zip(axes, names, strict=True):
        if name not in sections[axis]:
            raise PretraceError(f"params.yaml: {axis}: there is no {name!r}; has {', '.join(sections[axis])}")
    return names


def names_by_axis(settings: Settings) -> dict[str, list[str]]:
    """Return the names in each section of the settings that a matrix of dvc.yaml can run over."""
    return {axis: list(getattr(settings, axis)) for axis in AXES}
