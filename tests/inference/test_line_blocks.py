"""Rows of `pretrace predict` are answered as they come, in their order, and an endless input takes no memory."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.inference import line_blocks as module
from pretrace.inference.line_blocks import BLOCK_BYTES, BLOCK_LINES, line_blocks
from pretrace.inference.read_rows import read_rows, texts_of_rows
from pretrace.settings.columns import Fields
from tests.helpers import REPOSITORY
from tests.helpers.odd_files import ODD_FILES
from tests.helpers.small_run import refused, run

ONE, CHOICES = Fields(("text",)), Fields(("first",), choices="choices")


class Endless(io.RawIOBase):
    """Chunks that never end, counted."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks, self.given, self.left = chunks, 0, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self.left or next(self.chunks, b"")
        size = min(len(chunk), len(buffer))
        buffer[:size], self.left = chunk[:size], chunk[size:]
        self.given += size
        return size


def stdin_of(monkeypatch: pytest.MonkeyPatch, raw: io.RawIOBase) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(raw)))


@given(
    st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b"")), max_size=9),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.integers(1, 9),
    st.booleans(),
)
def test_lines_are_those_of_the_whole_however_they_come(lines: list[bytes], end: bytes, size: int, last: bool) -> None:
    content = end.join(lines) + end * last
    pieces = (content[at : at + size] for at in range(0, len(content), size))
    blocks = list(line_blocks(io.BufferedReader(Endless(pieces)), "here"))
    assert all(0 < len(block) <= BLOCK_LINES for block in blocks)
    if end == b"\r":
        content = b"".join(line for block in blocks for line in block)  # a CR is told from the first bytes
        assert content.replace(b"\r", b"\n") == b"\n".join(lines) + b"\n" * last
    else:
        assert [line for block in blocks for line in block] == content.splitlines(keepends=True)


@pytest.mark.parametrize(("form", "line"), [(None, b'{"text": "y"}\n'), ("text", b"y\n")])
def test_endless_rows_are_read_as_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, form: str | None, line: bytes
) -> None:
    raw = Endless(line * 5000 for _ in count())
    stdin_of(monkeypatch, raw)
    tables, rows, before = read_rows("-", form, ONE), 0, 0
    for table in islice(tables, 200):
        assert len(texts_of_rows(table, ONE)) == len(table) <= BLOCK_LINES
        rows += len(table)
        assert raw.given - rows * len(line) < 4 * BLOCK_BYTES + 5000 * len(line)
        assert table.places[0] == f"standard input: row {before + 1}"
        before = rows
    assert rows > 50_000


def test_fault_far_down_is_named_by_row_line_and_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    good = b'{"text": "y"}\n\n'
    stdin_of(monkeypatch, Endless(iter([good * 5000, b'{"text": }\n'])))
    with pytest.raises(PretraceError, match=r"standard input: row 5001 \(line 10001\): not JSON"):
        list(read_rows("-", None, ONE))
    stdin_of(monkeypatch, Endless(iter([b"y\n" * 50_000, b"caf\xe9\n"])))
    with pytest.raises(PretraceError, match=r"line 50001: not UTF-8: byte 100004 of the file is 0xe9"):
        list(read_rows("-", "text", ONE))
    stdin_of(monkeypatch, Endless(iter([b"y\n" * 50_000, b"a\0b\n"])))
    with pytest.raises(PretraceError, match=r"standard input: .*line 50001 has a NUL"):
        list(read_rows("-", "text", ONE))


def test_mark_of_byte_order_is_text_behind_the_first_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_of(monkeypatch, Endless(iter([b"\xef\xbb\xbfa\n" + b"y\n" * 40_000, b"\xef\xbb\xbfPAR1\n"])))
    texts = [text for table in read_rows("-", "text", ONE) for [text] in texts_of_rows(table, ONE)]
    assert (texts[0], texts[-1], len(texts)) == ("a", "\ufeffPAR1", 40_002)


def test_line_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DOCUMENT_BYTES", 1 << 20)
    raw = Endless(b"y" * 9999 for _ in count())
    stdin_of(monkeypatch, raw)
    with pytest.raises(PretraceError, match=r"standard input: line 1: more than 1\.0 MB"):
        list(read_rows("-", "text", ONE))
    assert raw.given < 2 << 20


@pytest.mark.parametrize("form", ["csv", "tsv", "parquet"])
def test_endless_table_is_refused(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr("pretrace.inference.read_rows.TABLE_BYTES", 1 << 20)
    raw = Endless(b"text\ty\n" * 5000 for _ in count())
    stdin_of(monkeypatch, raw)
    with pytest.raises(PretraceError, match=r"standard input: more than 1\.0 MB; give JSON lines or plain text"):
        list(read_rows("-", form, ONE))
    assert raw.given < 2 << 20


@pytest.mark.parametrize("kind", ODD_FILES)
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.txt", "rows.parquet"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    ODD_FILES[kind].make(tmp_path / name)
    with pytest.raises(PretraceError, match=rf"{name}: {ODD_FILES[kind].said}"):
        list(read_rows(str(tmp_path / name), None, ONE))


def test_other_number_of_choices_in_a_later_batch_is_named(repository: Path, capsys: Any) -> None:
    row = {"first": "it was", "choices": ["a", "b"]}
    rows = [row] * BLOCK_LINES + [row | {"choices": ["a", "b", "c"]}]
    (repository / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = refused(capsys, "predict", "next-full", "rows.jsonl")
    assert f"rows.jsonl: row {BLOCK_LINES + 1}: has 3 choices" in said


def test_answers_are_as_many_as_rows_over_several_batches(repository: Path, capsys: Any) -> None:
    texts = [f"the cat {'sat ' * (number % 7)}" for number in range(2 * BLOCK_LINES + 3)]
    (repository / "rows.txt").write_text("\n".join(texts) + "\n")
    answers = run(capsys, "predict", "topic-full", "rows.txt").splitlines()
    assert len(answers) == len(texts)
    assert all(answer == answers[number % 7] for number, answer in enumerate(answers))


@pytest.mark.slow
def test_answer_comes_before_the_next_row(repository: Path) -> None:
    command = [sys.executable, "-m", "pretrace.cli", "predict", "topic-full", "--format", "text"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    with subprocess.Popen(
        command, cwd=repository, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin and process.stdout
        answers = []
        for row in (b"the cat\n", b"a mat\n", b"went home\n"):
            process.stdin.write(row)
            answers.append(process.stdout.readline().strip())
        process.stdin.close()
        assert process.wait() == 0
    assert len(answers) == 3 and all(answers)
