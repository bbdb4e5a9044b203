"""Files of rows: what is refused, in words that name the line and fit the cause, and what is read as it is."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus.readers.tables.read_table import parse_table

WANTED = ["text", "label"]


def columns_of(content: str | bytes, suffix: str = ".csv", **given: Any) -> dict[str, list[Any]]:
    content = content if isinstance(content, bytes) else content.encode()
    table = parse_table(content, f"rows{suffix}", suffix, WANTED, **given)
    return {name: table.column(name) for name in WANTED}


def error_of(content: str | bytes, suffix: str = ".csv", **given: Any) -> str:
    with pytest.raises(PretraceError) as error:
        columns_of(content, suffix, **given)
    return str(error.value).removeprefix(f"rows{suffix}: ")


def parquet(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


LABELED = 'text,label\none,good\n"two\ntwo, and more",bad\n'


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('"19 in. wide,bad\nfine,good\n', "line 5: a quote opens a text that no quote closes: '\"19 in. wide,bad'"),
        ('"19 in. wide,bad\na "b" c,good\n', "line 5: a quote opens a text that runs to line 6 and swallows"),
        ('"19 in. wide,bad\nfine,good\nof 24",good\n', "line 5: a quote opens a text that runs to line 7, over lines"),
        ('"19" wide,bad\n', "line 5: after a closing quote comes no comma"),
        ('"a \\"b\\" c",bad\n', 'line 5: quotes in a text are written \\"'),
        ("a, b,bad\n", "line 5 has more fields than there are names: 3; the line of names has 2; put a text"),
    ],
)
def test_quotes_and_commas_are_told_with_the_line(rows: str, said: str) -> None:
    assert error_of(LABELED + rows).startswith(said)


@pytest.mark.parametrize(
    "text",
    ["Dear Sir,\nThank you, all\nBye", "one\n\ntwo, three", 'a "b" c', '"', "\\", "a,b\nc,d\n", "x\r\ny", "", "NA"],
)
def test_text_in_proper_quotes_is_read(text: str) -> None:
    doubled = text.replace('"', '""')
    assert columns_of(f'{LABELED}"{doubled}",good\n')["text"] == ["one", "two\ntwo, and more", text]


@pytest.mark.parametrize(
    ("content", "suffix", "said"),
    [
        ('"text";"label"\n"a";"b"\n', ".csv", "line 1: fields are parted by semicolons, and .csv takes commas"),
        ("text\tlabel\na\tb\n", ".csv", "line 1: fields are parted by tabs, and .csv takes commas: name it .tsv"),
        ("text|label\na|b\n", ".csv", "line 1: fields are parted by bars"),
        ("text,label\na,b\n", ".tsv", "line 1: fields are parted by commas, and .tsv takes tabs: name it .csv"),
        ("sep=;\ntext;label\na;b\n", ".csv", "line 2: fields are parted by semicolons"),
        ("# mine\n\ntext,label\na,b\n", ".csv", "line 1 is no line of names: '# mine'; take out all above line 3"),
        ("text,Label\na,b\n", ".csv", "no column 'label'; it has 'text', 'Label' ('Label' is written otherwise)"),
        ("text, label\na, b\n", ".csv", "no column 'label'; it has 'text', ' label' (' label' has a space too many)"),
        ("text,label,label\na,b,c\n", ".csv", "2 columns are called 'label'; it has 'text', 'label', 'label'"),
        ('text\tlabel\n"a ""b"""\tc\n"""d"""\te\n', ".tsv", "line 2: texts are in quotes, and quotes in them are"),
        ("text\tlabel\na\tb\tc\n", ".tsv", "line 2 has more fields than there are names: 3; the line of names has 2"),
        ('[{"text": "a"}]', ".jsonl", "row 1: one JSON array"),
        ('{"text": "a"}\n\n\n{"text": \n', ".jsonl", "row 2 (line 4): not JSON"),
        ('{"text": "a", "text": "b"}', ".jsonl", "row 1: more than one column 'text'"),
        ('{"text": "\\ud800"}', ".jsonl", "row 1: column 'text': half of a surrogate pair"),
        ('{"text": ["\\u0000"]}', ".jsonl", "row 1: column 'text': a NUL"),
        ("3", ".jsonl", "row 1: takes a JSON object, got a number"),
    ],
)
def test_cause_is_told(content: str, suffix: str, said: str) -> None:
    assert error_of(content, suffix).startswith(said)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text".encode("utf-16"), "it is UTF-16"),
        ("text,label".encode("utf-16-le"), "line 1 has a NUL: it is UTF-16"),
        (b"text\0", "line 1 has a NUL: it is no text"),
        (b"\x1f\x8b\x08\x00", "it is a gzip file"),
        (b"\x28\xb5\x2f\xfd\x00", "it is a zstd file"),
        (b"PK\x03\x04\x00", "it is a ZIP file or an Excel workbook"),
        (b"PAR1\x00", "it is a Parquet file"),
    ],
)
def test_other_file_under_the_name_is_told(content: bytes, said: str, suffix: str) -> None:
    assert error_of(content, suffix).startswith(f"not readable as {suffix}: {said}")


@pytest.mark.parametrize(("end", "line"), [("\n", 3), ("\r\n", 3), ("\r", 3)])
def test_byte_that_is_not_utf8_has_its_line(end: str, line: int) -> None:
    content = f"text,label{end}a,b{end}caf\xe9,c{end}".encode("latin-1")
    place = content.index(b"\xe9") + 1
    assert error_of(content).startswith(f"line {line}: not UTF-8: byte {place} of the file is 0xe9, perhaps 'é' in")
    assert "perhaps" not in error_of(content.replace(b"\xe9", b"\x81"))


def test_column_names_have_to_fit() -> None:
    assert columns_of("a,b\nc\n", names=WANTED) == {"text": ["a", "c"], "label": ["b", ""]}
    assert error_of("a,b,c\n", names=WANTED) == (
        "line 1 has more fields than there are names: 3; column_names has 2; put a text with commas in quotes"
    )
    said = error_of("a,b\nc\n", names=[*WANTED, "more"])
    assert said == "column_names has 3 names, and no line has more than 2 fields"


def test_rows_know_their_lines() -> None:
    table = parse_table(f"\n{LABELED}\n \nthree,good\n".encode(), "rows.csv", ".csv", WANTED)
    assert table.places == ["rows.csv: row 1", "rows.csv: row 2", "rows.csv: row 3"]
    assert table.lines == [(3, 3), (4, 5), (8, 8)]
    assert table.take([2, 0]).lines == [(8, 8), (3, 3)]
    assert table.take([2, 0]).column("text") == ["three", "one"]


def test_values_of_parquet_are_plain() -> None:
    labels = pa.array([1, None, 0], pa.int8())
    found = columns_of(parquet(pa.table({"text": ["a", None, "c"], "label": labels})), ".parquet")
    assert found == {"text": ["a", None, "c"], "label": [1, None, 0]}
    assert [type(value) for value in found["label"]] == [int, type(None), int]


def test_unused_columns_do_not_matter() -> None:
    dates = pa.array([2**60], pa.int64()).cast(pa.timestamp("us"))  # a year that Python has no number for
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"]), dates, dates], names=[*WANTED, "when", "when"])
    assert columns_of(parquet(table), ".parquet") == {"text": ["a"], "label": ["b"]}
    assert columns_of('{"text": "a", "label": "b", "n": 1e999, "m": 99999999999999999999}', ".jsonl")["text"] == ["a"]
    assert columns_of("n,n,text,label\n1,2,a,b\n")["text"] == ["a"]
    late = pa.table({"text": ["a", "b"], "label": pa.array([0, 2**60], pa.int64()).cast(pa.timestamp("us"))})
    assert error_of(parquet(late), ".parquet").startswith("row 2: column 'label': ")
