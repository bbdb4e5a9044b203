"""The floors: a package imports only packages on lower floors, and no module imports itself through others.

To add a package, give it a place in `FLOORS`. A package with sub-packages has its own order, in `INSIDE`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "pretrace"
FLOORS = (
    ("common",),
    ("settings", "schemas"),
    ("corpus", "model", "tracking"),
    ("tokens", "tasks", "pipeline"),
    ("generation", "sequences"),
    ("training", "report", "baselines"),
    ("inference", "evaluation", "export", "preflight", "review", "tuning", "feedback"),
    ("cli",),
)
"""From the ground up. Packages on the same floor do not import each other, except for `BESIDE`."""
BESIDE = {("schemas", "settings"), ("tuning", "evaluation")}
"""(package, package on its own floor that it may import): records of files contain sections of the settings, and a
ladder of sizes is scored."""
INSIDE = {
    "settings": ("section", "models", "learners", "", "alignment"),
    "corpus": ("parallel", "documents", "text", "readers", "filters", "cleaning", ""),
    "model": ("masks", "kernels", "", "checkpoints", "encoder_decoder"),
    "tracking": ("", "mlflow_client", "spool", "publish", "status", "__main__"),
    "tokens": ("", "shards"),
    "tasks": ("", "probes", "prepare"),
    "sequences": ("metrics", "", "probes", "prepare"),
    "training": (
        "distributed",
        "engine",
        "objectives",
        "pretraining",
        "word2vec",
        "finetuning",
        "features",
        "sequences",
        "alignment",
    ),
    "evaluation": ("", "language_tests", "word_tests", "zero_shot", "frozen", "prompts"),
    "inference": ("engine", "feedback", "serving", ""),
}
"""Sub-packages and modules of a package, from the ground up; "" stands for all modules that are not named."""
PLANNED = {
    "model.masks": "causal, full and banded attention",
}
"""Names in `INSIDE` that do not exist yet. Take a name out when you create it."""
AT_THE_ROOT = {"__init__", "cli"}
MOST_MODULES = 16
"""Modules in a package beside its sub-packages."""


class Import(NamedTuple):
    """An import of one of our modules."""

    line: int
    module: str
    """Without the leading `pretrace.`."""
    at_once: bool
    """False in a function, or for type checkers only."""


def _modules() -> dict[str, Path]:
    """All modules by their names, without the leading `pretrace.`."""
    names = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


MODULES = _modules()


def imports_of(path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    deferred = (ast.FunctionDef, ast.AsyncFunctionDef, ast.If)
    late = {id(inner) for node in ast.walk(tree) if isinstance(node, deferred) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        at_once = id(node) not in late
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pretrace":
            package = str(node.module).partition(".")[2]
            for alias in node.names:
                below = f"{package}.{alias.name}".strip(".")
                yield Import(node.lineno, below if below in MODULES else package, at_once)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "pretrace":
                    yield Import(node.lineno, alias.name.partition(".")[2], at_once)


def floor_of(package: str) -> int:
    floors = [number for number, floor in enumerate(FLOORS, 1) if package in floor]
    assert floors, f"package {package} has no floor; give it a place in FLOORS"
    return floors[0]


def position_in(order: tuple[str, ...], module: str) -> int:
    """The position of a module, or of its sub-package, in the order of its package."""
    inner = module.partition(".")[2].partition(".")[0]
    return order.index(inner if inner in order else "")


def where(path: Path, line: int) -> str:
    return f"src/pretrace/{path.relative_to(SOURCE)}:{line}"


def test_root_has_only_the_command_line() -> None:
    loose = {path.stem for path in SOURCE.glob("*.py")} - AT_THE_ROOT
    assert not loose, f"move {', '.join(sorted(loose))} from src/pretrace into one of its packages"


def test_every_package_has_a_floor() -> None:
    packages = {name.split(".")[0] for name in MODULES if name}
    assert packages == {package for floor in FLOORS for package in floor}


def test_packages_import_lower_floors_only() -> None:
    wrong = []
    for name, path in MODULES.items():
        own = name.split(".")[0]
        for line, module, _ in imports_of(path) if name else ():
            other = module.split(".")[0]
            if other in ("", own) or (own, other) in BESIDE:
                continue
            if floor_of(other) >= floor_of(own):
                floors = f"floor {floor_of(own)} imports floor {floor_of(other)}"
                wrong.append(f"{where(path, line)}: {own} imports pretrace.{module} ({floors})")
    assert not wrong, "\n".join(["move the imported name down, or the importing module up:", *wrong])


@pytest.mark.parametrize("package", INSIDE)
def test_sub_packages_import_in_order(package: str) -> None:
    order, wrong = INSIDE[package], []
    for name, path in MODULES.items():
        if not name.startswith(f"{package}."):
            continue
        for line, module, _ in imports_of(path):
            if module.startswith(f"{package}.") and position_in(order, module) > position_in(order, name):
                wrong.append(f"{where(path, line)}: {name} imports pretrace.{module}")
    shown = " < ".join(name or "all others" for name in order)
    assert not wrong, "\n".join([f"the order in {package} is {shown}:", *wrong])


def test_order_names_what_exists_or_is_planned() -> None:
    names = {f"{package}.{inner}" for package, order in INSIDE.items() for inner in order if inner}
    assert names - set(MODULES) == set(PLANNED)


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph = {name: {one.module for one in imports_of(path) if one.at_once} for name, path in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, "a circle of imports: " + " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            for other in sorted(graph[name] - {name}):
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("folder", sorted({path.parent for path in SOURCE.rglob("*.py")}), ids=lambda path: path.name)
def test_large_packages_have_sub_packages(folder: Path) -> None:
    modules = [path for path in folder.glob("*.py") if path.stem != "__init__"]
    name = folder.relative_to(SOURCE.parent)
    assert len(modules) <= MOST_MODULES, f"{name} has {len(modules)} modules: divide them into sub-packages"
