"""The floors of the house: a package imports only packages below it, and no module imports itself through others.

A module may import every package on a lower floor, and of its own package what stands before it in `INSIDE`. To add a
package, give it a place in `FLOORS`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "pretrace"
FLOORS = (
    ("common",),
    ("settings", "schemas"),
    ("corpus", "model", "tracking"),
    ("tokens", "tasks", "pipeline"),
    ("training", "report"),
    ("inference", "evaluation", "export", "preflight", "review"),
    ("cli",),
)
"""From the ground up. Packages on one floor do not import each other, but for `BESIDE`."""
BESIDE = {("schemas", "settings")}
"""(package, what it may import on its own floor): records of files hold sections of the settings."""
INSIDE = {
    "corpus": ("parallel", "documents", "text", "readers", "filters", "cleaning", ""),
    "model": ("kernels", "", "checkpoints"),
    "tracking": ("", "mlflow_client", "spool", "publish", "status", "__main__"),
    "tokens": ("", "shards"),
    "tasks": ("", "probes", "prepare"),
    "training": ("distributed", "engine", "objectives", "pretraining", "finetuning", "alignment"),
    "evaluation": ("", "language_tests", "zero_shot"),
}
"""Sub-packages and modules from the ground up; "" stands for all modules that are not named."""
LOOSE = {"__init__", "cli"}
"""Modules at the root."""


def modules() -> dict[str, Path]:
    """Dotted names below `pretrace` of all modules, with their files."""
    names = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


MODULES = modules()


def imports_of(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Line, module and whether it is imported at once (not in a function or for types alone), of what is ours."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = {id(inner) for node in ast.walk(tree) if isinstance(node, LATE) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pretrace":
            module = str(node.module).partition(".")[2]
            for alias in node.names:
                below = f"{module}.{alias.name}".strip(".")
                yield node.lineno, below if below in MODULES else module, id(node) not in late
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "pretrace":
                    yield node.lineno, alias.name.partition(".")[2], id(node) not in late


LATE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.If)


def floor_of(package: str) -> int:
    found = [number for number, floor in enumerate(FLOORS, 1) if package in floor]
    assert found, f"{package}: a package without a floor; give it a place in FLOORS"
    return found[0]


def test_root_has_only_the_command_line() -> None:
    loose = {path.stem for path in SOURCE.glob("*.py")}
    assert loose <= LOOSE, f"move {sorted(loose - LOOSE)} into a package of src/pretrace"


def test_floors_imports_run_downwards() -> None:
    wrong = []
    for name, path in MODULES.items():
        own = name.split(".")[0]
        for line, other, _ in imports_of(path) if name else []:
            package = other.split(".")[0]
            beside = (own, package) in BESIDE
            if other and package != own and floor_of(package) >= floor_of(own) + beside:
                wrong.append(
                    f"{path.relative_to(SOURCE)}:{line}: {own} (floor {floor_of(own)}) imports pretrace.{other} "
                    f"(floor {floor_of(package)})"
                )
    assert not wrong, "\n".join(["imports run downwards only; move the name down, or the module up:", *wrong])


@pytest.mark.parametrize("package", INSIDE)
def test_sub_packages_import_downwards(package: str) -> None:
    order, wrong = INSIDE[package], []
    for name, path in MODULES.items():
        if not name.startswith(f"{package}."):
            continue
        for line, other, _ in imports_of(path):
            if other.startswith(f"{package}."):
                here, there = (order.index(room_of(module, order)) for module in (name, other))
                if there > here:
                    wrong.append(f"{path.relative_to(SOURCE)}:{line}: imports pretrace.{other}")
    assert not wrong, "\n".join([f"the order inside {package} is {', '.join(order)}:", *wrong])


def room_of(module: str, order: tuple[str, ...]) -> str:
    """The sub-package or module of `order` that holds a module; "" if none is named."""
    inner = module.split(".")[1]
    return inner if inner in order else ""


def test_floors_have_no_circle() -> None:
    """Of modules that import each other at once: such a pair cannot be read one after the other."""
    graph = {name: {other for _, other, now in imports_of(path) if now} for name, path in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, "a circle of imports: " + " -> ".join([*way[way.index(name) :], name])
        if name not in done:
            for other in sorted(graph[name]):
                if other != name:
                    visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_packages_have_a_second_level_when_large() -> None:
    for folder in (path.parent for path in SOURCE.rglob("__init__.py")):
        own = [path for path in folder.glob("*.py") if path.stem != "__init__"]
        assert len(own) <= 16, f"{folder.relative_to(SOURCE)}: {len(own)} modules; give it sub-packages"
