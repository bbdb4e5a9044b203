"""Rows for `pretrace predict`: every format gives the same answers, as many as rows, and none is guessed."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.cli import main
from pretrace.common.errors import PretraceError
from pretrace.corpus.readers.tables.read_table import places_of
from pretrace.inference.read_rows import FORMATS, read_rows, texts_of_rows
from pretrace.settings.columns import Fields
from tests.helpers import REPOSITORY
from tests.helpers.new_rows import typed
from tests.helpers.small_run import WORDS, refused, run

ONE, PAIR = Fields(("text",)), Fields(("first",), ("second",))
TEXTS = st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))), min_size=1, max_size=8)


def written(rows: list[dict[str, Any]], form: str) -> bytes:
    if form == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    if form == "text":
        return "".join(f"{row['text']}\n" for row in rows).encode()
    if form == "parquet":
        return pd.DataFrame(rows).to_parquet(index=False)
    stream = io.StringIO(newline="")
    how: dict[str, Any] = {} if form == "csv" else {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None}
    writer = csv.DictWriter(stream, list(rows[0]), **how)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_answers_by_name_and_on_standard_input(
    form: str, repository: Path, capsys: Any, monkeypatch: Any
) -> None:
    rows = [{"text": " ".join(WORDS[n : n + 1 + n % 5])} for n in range(6)]
    (repository / "rows.jsonl").write_bytes(written(rows, "jsonl"))
    expected = run(capsys, "predict", "topic-full", "rows.jsonl")
    assert len(expected.splitlines()) == len(rows)
    name = f"new.{'txt' if form == 'text' else form.upper()}"
    (repository / name).write_bytes(written(rows, form))
    (repository / "nameless").write_bytes(written(rows, form))
    assert run(capsys, "predict", "topic-full", name) == expected
    assert run(capsys, "predict", "topic-full", "nameless", "--format", form) == expected
    monkeypatch.setattr("sys.stdin", typed(written(rows, form)))
    assert run(capsys, "predict", "topic-full", "--format", form) == expected


@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv", "parquet"])
def test_columns_of_a_pair_are_read_from_every_format(form: str, repository: Path, capsys: Any) -> None:
    rows = [{"first": "the cat", "more": "x", "second": WORDS[n]} for n in range(5)]
    (repository / f"rows.{form}").write_bytes(written(rows, form))
    assert len(run(capsys, "predict", "pair-full", f"rows.{form}").splitlines()) == len(rows)


@given(TEXTS, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.booleans())
def test_plain_text_gives_a_row_for_each_line(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], end: str, last: bool, mark: bool
) -> None:
    texts = [text.replace("\ufeff", "") for text in texts]
    content = end.join(texts) + (end if last or not texts[-1] else "")
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_bytes(("\ufeff" * mark + content).encode())
    tables = list(read_rows(str(path), "text", ONE))
    assert [row for table in tables for row in texts_of_rows(table, ONE)] == [[text] for text in texts]
    assert [place for table in tables for place in table.places] == places_of(str(path), len(texts))


def test_blank_lines_of_plain_text_are_answered_and_said(repository: Path, capsys: Any) -> None:
    (repository / "rows.txt").write_text("one\n\nthree\n   \nfive\n")
    assert main(["predict", "topic-full", "rows.txt"]) == 0
    output = capsys.readouterr()
    assert len(output.out.splitlines()) == 5 and "" not in output.out.splitlines()
    assert output.err == "pretrace: predict: rows.txt: row 2: has an empty text, and 1 more; answered as it is\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.json", "{}", "rows.json: its name does not say what is in it: takes .jsonl, .csv, .tsv, .parquet, .txt"),
        ("rows", "the cat", "or --format with one of jsonl, csv, tsv, parquet, text"),
        ("rows.txt", '\ufeff{"text": "the cat"}\n', "begins with a JSON object, and .txt is plain text; give --format"),
        ("rows.txt", "text\tlabel\nthe cat\tcats\n", "begins with names of columns, and .txt is plain text"),
        ("rows.txt", '"text","label"\nthe cat,cats\n', "begins with names of columns"),
        ("rows.txt", "", "rows.txt: has no rows"),
        (
            "rows.csv",
            "texts,label\nthe cat,cats\n",
            "no column 'text'; it has 'texts', 'label'; the model takes 'text'",
        ),
        ("rows.txt", "the \x00cat", "has a NUL"),
    ],
)
def test_nothing_is_guessed(repository: Path, capsys: Any, name: str, content: str, said: str) -> None:
    (repository / name).write_text(content, encoding="utf-8")
    assert said in refused(capsys, "predict", "topic-full", name)


def test_format_that_is_named_is_taken_at_its_word(repository: Path, capsys: Any) -> None:
    (repository / "rows.txt").write_text('{"text": "the cat"}\ntext\tlabel\n')
    assert len(run(capsys, "predict", "topic-full", "rows.txt", "--format", "text").splitlines()) == 2
    (repository / "rows.csv").write_text("text,label\nthe cat,cats\n")
    assert len(run(capsys, "predict", "topic-full", "rows.csv").splitlines()) == 1
    assert "not JSON" in refused(capsys, "predict", "topic-full", "rows.csv", "--format", "jsonl")
    said = refused(capsys, "predict", "pair-full", "rows.txt")
    assert "plain text is one text a line, and the model takes 'first' and 'second'" in said
    with pytest.raises(SystemExit, match="2"):
        main(["predict", "topic-full", "rows.txt", "--format", "excel"])


def test_closed_standard_input_is_one_line(monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(PretraceError, match="standard input: closed"):
        list(read_rows("-", None, PAIR))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("locale", "form"),
    [({"LC_ALL": "C"}, "text"), ({"LC_ALL": "C.UTF-8"}, None), ({"PYTHONIOENCODING": "utf-8:strict"}, "text")],
)
def test_standard_input_is_read_as_a_file_is_in_any_locale(
    repository: Path, locale: dict[str, str], form: str | None
) -> None:
    (repository / "latin.txt").write_bytes(b"caf\xe9 was fine\n")
    command = [sys.executable, "-m", "pretrace.cli", "predict", "topic-full", *(["--format", form] if form else [])]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), **locale}
    done = [
        subprocess.run([*command, *more], stdin=stdin, env=environment, capture_output=True)
        for more, stdin in ((["latin.txt"], None), ([], (repository / "latin.txt").open()))
    ]
    assert [one.returncode for one in done] == [1, 1]
    of_file, of_stdin = (one.stderr.decode() for one in done)
    assert "line 1: not UTF-8: byte 4 of the file is 0xe9" in of_file
    assert of_stdin == of_file.replace("latin.txt", "standard input")


@pytest.mark.slow
def test_label_that_the_locale_lacks_is_printed(repository: Path) -> None:
    config = repository / "models/finetuned/topic-full/config.json"
    text = config.read_text()
    assert '"cats"' in text
    config.write_text(text.replace('"cats"', '"猫"').replace('"dogs"', '"犬"').replace('"mats"', '"席"'))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "-m", "pretrace.cli", "predict", "topic-full"]
    done = subprocess.run(command, input=b'{"text": "the cat"}\n', env=environment, capture_output=True)
    assert done.returncode == 0 and done.stdout.startswith(b"\\u") and not done.stderr
