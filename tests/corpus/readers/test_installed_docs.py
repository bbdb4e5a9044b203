"""The documentation of installed packages: running prose, in order, the same bytes every time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import collect_installed, read_documents


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "prosaic"
    (root / "tests").mkdir(parents=True)
    sentence = "This is sentence number {} of the module and it says very little indeed. "
    (root / "__init__.py").write_text("raise ImportError('nobody shall import this')\n")
    for name, numbers in {"b": range(1, 5), "a": range(3, 9), "tests/t": range(20, 26)}.items():
        text = "\n\n".join(sentence.format(number) for number in numbers)
        (root / f"{name}.py").write_text(f'"""{text}"""\nX = "\\d"\n')
    (root / "broken.py").write_text('"""text"""\ndef (:\n')
    (root / "short.py").write_text('"""Only one sentence stands here."""\n')
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_installed_modules_are_documents_without_repetition(package: Path) -> None:
    report = collect_installed(["prosaic"], package / "out", workers=1)
    documents = list(read_documents(package / "out"))
    assert [(d.source, d.id) for d in documents] == [("prosaic", "prosaic/a.py")]  # of b, two sentences are left
    assert documents[0].text.count("\n") == 5
    assert report.as_json()["packages"]["prosaic"] == {
        "files": 5,
        "unreadable": 1,
        "documents": 1,
        "words": 84,
        "repeated_words": 28,
    }


def test_collect_gives_the_same_bytes_for_any_worker_count(package: Path) -> None:
    digests = set()
    for workers in (1, 2):
        collect_installed(["prosaic", "ftfy"], package / "out", workers=workers)
        digests.add(hashlib.sha256((package / "out" / "part-00000.parquet").read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("name", ["no_such_package_here", "ast", "a.b", ""])
def test_package_that_is_not_installed_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=f"corpus.packages: '{name}' is not an installed package"):
        collect_installed([name], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_package_listed_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match="the same name twice"):
        collect_installed(["ftfy", "ftfy"], tmp_path / "out")
