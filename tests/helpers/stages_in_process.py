"""Stage scripts run in this process, with settings of a test."""

from __future__ import annotations

import importlib.util
from types import ModuleType, SimpleNamespace
from typing import Any

from pretrace.settings import Settings
from tests.helpers import REPOSITORY


def stage(name: str) -> ModuleType:
    """The script of a stage as a module."""
    spec = importlib.util.spec_from_file_location(f"stage_{name}", REPOSITORY / "stages" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def a_run(settings: Settings, *cell: str) -> Any:
    """The argument of the `main` of a stage, or of a cell of one, tracking nothing."""

    def nothing(*_: Any) -> None:
        pass

    methods = {"publish": nothing, "log_metrics": nothing, "log_curve": nothing}
    return SimpleNamespace(settings=settings, cell=cell, cost={}, is_rank_zero=True, published=float("inf"), **methods)
