"""Open the second pipeline of the project in the current folder."""

from __future__ import annotations

from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.settings import Settings
from pretrace.settings.alignment.load import PARAMS, load_assistant_settings
from pretrace.training.alignment.stages.project import Project


def open_project(settings: Settings, root: Path = Path()) -> Project:
    """Return the project.

    Args:
        settings: of the first pipeline, in which the system has to be.

    Raises:
        PretraceError: a setting is not accepted, or the system is not one of the first pipeline.
    """
    own = load_assistant_settings(root)
    if own.system not in settings.systems:
        raise PretraceError(
            f"{PARAMS}: system: got {own.system!r}; takes one of `systems` in params.yaml: "
            f"{', '.join(settings.systems)}"
        )
    return Project(own, next(iter(settings.of_system(own.system).pretrainings())), root)
