"""The closure of a module: all code that its result may depend on, and no more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pretrace.common import code
from pretrace.common.code import FRAME, closure, code_hash, in_frame

FILES = {
    "start.py": "import pretrace.whole\nfrom pretrace.package import passed_on\nfrom pretrace.common.files import x\n",
    "whole.py": "def f():\n    from pretrace.package import inner\n",
    "package/__init__.py": "from pretrace.package.defines import one as passed_on\nfrom pretrace.other import two\n",
    "package/defines.py": "one = 1\n",
    "package/inner.py": "import numpy\n",
    "other.py": "two = 2\n",
    "common/files.py": "from pretrace.common.elsewhere import x\n",
    "common/elsewhere.py": "x = 1\n",
}
"""`start` needs all but `other`, which only a package imports, and the frame (`files`) with what is behind it."""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package that is read in place of pretrace."""
    root = tmp_path / "pretrace"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(code, "ROOT", root)
    return root


def test_closure_follows_imports_to_where_names_are_defined(sources: Path) -> None:
    found = [path.relative_to(sources).as_posix() for path in closure(sources / "start.py")]
    assert found == ["package/defines.py", "package/inner.py", "start.py", "whole.py"]


@pytest.mark.parametrize("edited", FILES)
def test_code_hash_changes_with_its_closure_only(sources: Path, edited: str) -> None:
    before, decides = code_hash("pretrace.start"), sources / edited in closure(sources / "start.py")
    with (sources / edited).open("a") as stream:
        stream.write("EDITED = True\n")
    assert (code_hash("pretrace.start") != before) == decides


def test_code_hash_covers_a_new_import(sources: Path) -> None:
    before = code_hash("pretrace.start")
    (sources / "new.py").write_text("")
    assert code_hash("pretrace.start") == before
    (sources / "whole.py").write_text("from pretrace import new\n")
    assert sources / "new.py" in closure(sources / "start.py")


def test_code_hash_needs_an_existing_module() -> None:
    with pytest.raises(FileNotFoundError):
        code_hash("pretrace.no_such_module")


@pytest.mark.parametrize("name", FRAME)
def test_frame_exists_and_is_in_no_closure(name: str) -> None:
    path = code.ROOT.joinpath(*name.split("."))
    files = sorted(path.rglob("*.py")) or [path.with_suffix(".py")]
    assert all(file.is_file() and in_frame(file) for file in files)


def test_frame_has_no_module_that_only_begins_like_it() -> None:
    assert not in_frame(code.ROOT / "settings_of_mine.py")


def test_code_hash_is_the_same_in_every_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = code_hash("pretrace.corpus.cleaning.batch_cache")
    shutil.copytree(code.ROOT, tmp_path / "pretrace", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "ROOT", tmp_path / "pretrace")
    assert code_hash("pretrace.corpus.cleaning.batch_cache") == here
