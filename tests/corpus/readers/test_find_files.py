"""Which files a path, a folder or a glob stands for, in what order."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, read_files
from pretrace.corpus.readers.find_files import _matches
from pretrace.settings import Columns
from tests.helpers.corpus_files import COMPRESS


def read(path: Path | str, unit: str = "file", **columns: str) -> list[Document]:
    return list(read_files(path, Columns(**columns), unit))


def test_file_order_does_not_depend_on_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b/2.txt", "a.txt", "b/1.txt", "c.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"text": "x"}')
    before = read(tmp_path)
    scan = os.scandir

    @contextlib.contextmanager
    def backwards(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scan(folder) as entries:
            yield sorted(entries, key=lambda entry: entry.name, reverse=True)

    monkeypatch.setattr("os.scandir", backwards)
    assert read(tmp_path) == before
    assert [d.id for d in before] == ["a.txt", "b/1.txt", "b/2.txt", "c.jsonl:1"]


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("*.txt", ["1.txt"]),
        ("**/*.txt", ["1.txt", "x/2.txt", "x/y/3.txt"]),
        ("x/*", ["2.txt"]),
        ("[!1]/*.txt", ["x/2.txt"]),
        ("x/**", ["2.txt", "y/3.txt", "y/4.txt.gz"]),
        ("?.txt", ["1.txt"]),
    ],
)
def test_glob_matches_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, ids: list[str]) -> None:
    for name in ("1.txt", "x/2.txt", "x/y/3.txt", "x/y/4.txt.gz", "x/5.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(COMPRESS[".gz" if name.endswith("gz") else ""](b"text"))
    assert [d.id for d in read(tmp_path / pattern)] == ids
    monkeypatch.chdir(tmp_path)
    assert [d.id for d in read(pattern)] == ids


def test_glob_does_not_list_folders_out_of_its_reach(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("one")
    (tmp_path / "x").mkdir()
    (tmp_path / "out").symlink_to("/")
    (tmp_path / "x" / "2.txt").symlink_to("nowhere")
    assert [d.id for d in read(tmp_path / "*.txt")] == ["1.txt"]
    with pytest.raises(PretraceError, match="outside of the folder"):
        read(tmp_path / "**/*.txt")


def test_existing_name_with_wildcards_is_not_a_glob(tmp_path: Path) -> None:
    (tmp_path / "a[1].txt").write_text("x")
    (tmp_path / "a1.txt").write_text("y")
    assert [d.id for d in read(tmp_path / "a[1].txt")] == ["a[1].txt"]


def test_links_inside_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in" / "x").mkdir(parents=True)
    (tmp_path / "in" / "x" / "1.txt").write_text("one")
    (tmp_path / "in" / "2.txt").symlink_to("x/1.txt")
    (tmp_path / "in" / "y").symlink_to("x")
    (tmp_path / "in" / "z.txt").symlink_to("x")
    (tmp_path / "in" / "x" / "up").symlink_to("..")
    (tmp_path / "link").symlink_to("in")
    # The folder's own path may be a link, and folders are read once, at their own place.
    assert [d.id for d in read(tmp_path / "link")] == ["2.txt", "x/1.txt"]
    assert [d.id for d in read(tmp_path / "in" / "2.txt")] == ["2.txt"]


def matches_by_recursion(names: tuple[str, ...], patterns: tuple[str, ...], folder: bool) -> bool:
    """The oracle: what `**` means, written down as it is said."""
    if not names:
        return folder or all(pattern == "**" for pattern in patterns)
    if not patterns:
        return False
    if patterns[0] == "**":
        return matches_by_recursion(names, patterns[1:], folder) or matches_by_recursion(names[1:], patterns, folder)
    return fnmatchcase(names[0], patterns[0]) and matches_by_recursion(names[1:], patterns[1:], folder)


def test_globs_match_as_the_oracle_says() -> None:
    for length in range(4):
        for names in product("ab", repeat=length):
            for pattern in (p for n in range(1, 4) for p in product(("a", "*", "**", "?b"), repeat=n)):
                for folder in (False, True):
                    expected = matches_by_recursion(names, pattern, folder)
                    assert _matches(list(names), list(pattern), folder) == expected, (names, pattern, folder)


@given(st.lists(st.sampled_from("ab"), max_size=5), st.lists(st.sampled_from(["a", "*", "**"]), min_size=1, max_size=5))
def test_longer_globs_match_as_the_oracle_says(names: list[str], patterns: list[str]) -> None:
    for folder in (False, True):
        expected = matches_by_recursion(tuple(names), tuple(patterns), folder)
        assert _matches(names, patterns, folder) == expected


def test_many_double_stars_and_many_folders_end() -> None:
    """Tried one way after the other, these would be more ways than there are atoms."""
    assert _matches(["a"] * 2000, ["**"] * 200, folder=False)
    assert not _matches(["a"] * 2000, ["**", "b"] * 100, folder=False)


@pytest.mark.parametrize("name", ["x", "long-name-" * 20])
def test_folders_600_deep_are_read_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Short names are read; of long ones the path is longer than the system takes."""
    (tmp_path / "1.txt").write_text("one")
    monkeypatch.chdir(tmp_path)
    for _ in range(600):
        Path(name).mkdir()
        os.chdir(name)
    Path("2.txt").write_text("two")
    os.chdir(tmp_path)
    if name == "x":
        assert [len(document.id) for document in read(tmp_path / "**")] == [5, 1205]
    else:
        with pytest.raises(PretraceError, match="File name too long"):
            read(tmp_path)
