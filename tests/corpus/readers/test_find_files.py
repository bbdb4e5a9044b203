"""Which files a path, a folder or a glob stands for, in what order."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, read_files
from pretrace.settings import Columns
from tests.helpers.corpus_files import COMPRESS


def read(path: Path | str, unit: str = "file", **columns: str) -> list[Document]:
    return list(read_files(path, Columns(**columns), unit))


def test_file_order_does_not_depend_on_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in ("b/2.txt", "a.txt", "b/1.txt", "c.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"text": "x"}')
    before = read(tmp_path)
    walk = os.walk

    def backwards(*arguments: object, **options: object) -> object:
        return ((folder, folders, files[::-1]) for folder, folders, files in reversed([*walk(*arguments, **options)]))

    monkeypatch.setattr("os.walk", backwards)
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
