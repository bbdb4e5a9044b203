"""What pyproject.toml promises: the libraries that the code imports, versions that fit the pins, one version number."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from pretrace.cli import main
from pretrace.common.extras import PACKAGE_OF, explain_missing
from pretrace.review.audit import read_pins
from tests.helpers import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = packages_distributions()
EXTRAS = PROJECT["optional-dependencies"]
CORE = ("torch", "numpy", "pydantic", "ruamel", "yaml", "safetensors", "sentencepiece", "tqdm")


@cache
def imported() -> set[str]:
    """The top-level names of all libraries that src imports, wherever the import stands."""
    names = set()
    for path in (REPOSITORY / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"pretrace"}


def packages_of(library: str) -> set[str]:
    named = {PACKAGE_OF.get(library, library), *DISTRIBUTIONS.get(library, [])}
    return {canonicalize_name(name) for name in named}


def requirements(*extras: str) -> list[Requirement]:
    lines = [line for name in extras for line in EXTRAS[name]] if extras else PROJECT["dependencies"]
    return [Requirement(line) for line in lines if not line.startswith("pretrace[")]


def names(*extras: str) -> set[str]:
    return {canonicalize_name(one.name) for one in requirements(*extras)}


@pytest.mark.parametrize("library", sorted(imported()))
def test_imported_library_is_a_dependency_or_in_an_extra(library: str) -> None:
    declared = names() | names(*EXTRAS.keys() - {"dev", "docs"})
    assert packages_of(library) & declared, f"add {library} to pyproject.toml"


@pytest.mark.parametrize("line", [*requirements(), *requirements(*EXTRAS)], ids=str)
def test_pinned_version_satisfies_pyproject(line: Requirement) -> None:
    pinned = read_pins(REPOSITORY / "requirements.txt").get(canonicalize_name(line.name))
    assert pinned is None or Version(pinned) in line.specifier


def test_dev_extra_has_all_that_tests_and_hooks_run() -> None:
    assert {"pytest", "ruff", "mypy", "codespell", "pre-commit"} <= names("dev")


def test_all_extra_includes_every_other_extra() -> None:
    def closure(extra: str) -> set[str]:
        nested = [Requirement(line).extras for line in EXTRAS[extra] if line.startswith("pretrace[")]
        return {extra}.union(*(closure(one) for extras in nested for one in extras))

    assert closure("all") == EXTRAS.keys() - {"dev", "docs"}


@pytest.mark.parametrize("library", sorted(imported() - set(CORE)))
def test_missing_library_names_its_extra(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = [f'{line}; extra == "{extra}"' for extra, lines in EXTRAS.items() for line in lines]
    monkeypatch.setattr("pretrace.common.extras.requires", lambda _: metadata)  # an installation may be older
    said = explain_missing(ModuleNotFoundError(f"No module named {library!r}", name=f"{library}.part"))
    extra = re.fullmatch(r"([\w.-]+) is not installed; pip install 'pretrace\[(\w+)\]'", said)
    assert extra, said
    assert canonicalize_name(extra[1]) in packages_of(library) & names(extra[2])


def test_error_of_another_kind_names_no_extra() -> None:
    assert explain_missing(ModuleNotFoundError("No module named 'pretrace.gone'", name="pretrace.gone")) == ""
    assert explain_missing(ImportError("broken", name="ftfy")) == ""


def test_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def predict(_: object) -> None:
        __import__("no_such_library")

    monkeypatch.setattr("pretrace.cli.predict", predict)
    assert main(["predict", "source-full"]) == 1
    said = capsys.readouterr().err  # a defect of ours keeps its traceback
    assert "Traceback" in said and said.endswith("ModuleNotFoundError: No module named 'no_such_library'\n")
    reason = "ftfy is not installed; pip install 'pretrace[text]'"
    monkeypatch.setattr("pretrace.common.frame.explain_missing", lambda _: reason)
    assert main(["predict", "source-full"]) == 1
    assert capsys.readouterr().err == "pretrace: predict: ftfy is not installed; pip install 'pretrace[text]'\n"


@pytest.mark.slow
def test_modules_import_without_extras() -> None:
    """But for those that others import where they need them, or that are run elsewhere."""
    code = f"""
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({sorted(imported() - set(CORE))}))
import pretrace
for module in pkgutil.walk_packages(pretrace.__path__, "pretrace."):
    of_server = module.name.startswith("pretrace.inference.serving.")
    others = ("__main__", "cleaning.preload", "mlflow_model", "tokenization_pretrace")
    if not of_server and not module.name.endswith(others):
        importlib.import_module(module.name)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_version_is_that_of_pyproject(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"pretrace {PROJECT['version']}\n"
    assert f"\nversion: {PROJECT['version']}\n" in (REPOSITORY / "CITATION.cff").read_text()
    assert f"## {PROJECT['version']}" in (REPOSITORY / "CHANGELOG.md").read_text()


def test_types_are_shipped() -> None:
    assert (REPOSITORY / "src" / "pretrace" / "py.typed").is_file()
