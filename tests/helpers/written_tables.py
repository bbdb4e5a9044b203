"""Tables with a known right reading, as programs write them: types x formats x nulls x encodings x quoting x key order.

`WRITERS` maps a name to a function from rows to the bytes of a file. A writer whose files are sound has its rows read;
one of `REFUSED` writes what is refused with these words.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = ("text", "label", "id")
Row = dict[str, Any]
SIGNS = st.sampled_from(
    [*'abzAZ019 \'"""`,;:|#\\/{}[]<>&=-_.\t\n', "é", "ß", "\u2019", "中", "🙂", "\u0301", "\u200b", "\xa0"]
)
TEXTS = st.one_of(
    st.lists(SIGNS, min_size=1, max_size=12).map("".join),
    st.sampled_from(["NA", "null", "None", "nan", "007", "1_0", "true", "#N/A", '19 in. "rack"', '"', '"a" b', "a\\"]),
)
LABELS = st.sampled_from(
    [
        st.sampled_from(["good", "bad", "NA", "1", " x", "a,b", 'q"']),
        st.integers(-3, 2**70),
        st.booleans(),
        st.sampled_from([0.0, 1.0, 2.5, -1e-7, 3e20]),
    ]
)
NULLS = st.sampled_from([0, 0, 1, 3])


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """One to six rows with unique ids, whose labels are of one type, some of them null."""
    labels = draw(LABELS)
    nulls = draw(NULLS)
    drawn = []
    for number in range(draw(st.integers(1, 6))):
        null = nulls and draw(st.integers(0, nulls)) == 0
        row = {"text": draw(TEXTS), "label": None if null else draw(labels), "id": number}
        drawn.append({name: row[name] for name in draw(st.permutations(COLUMNS))} if number == 0 else row)
    order = list(drawn[0])
    return [{name: row[name] for name in order} for row in drawn]


def _delimited(delimiter: str = ",", encoding: str = "utf-8", end: str = "\r\n", **dialect: Any) -> Callable:
    def write(table: list[Row]) -> bytes:
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, **dialect)
        writer.writerow(table[0])
        writer.writerows(["" if cell is None else cell for cell in row.values()] for row in table)
        return stream.getvalue().encode(encoding, "replace")

    return write


def _plain_tabs(table: list[Row]) -> bytes:
    """Lines as GLUE's publishers write them: quotes are text."""
    lines = [list(table[0]), *(["" if cell is None else str(cell) for cell in row.values()] for row in table)]
    return "".join("\t".join(line) + "\n" for line in lines).encode()


def _frame(table: list[Row], kind: str = "object") -> pd.DataFrame:
    return pd.DataFrame(table, dtype=kind)


def _lines(ensure_ascii: bool = True, start: bytes = b"", drop_null: bool = False, end: str = "\n") -> Callable:
    def write(table: list[Row]) -> bytes:
        kept = [{k: v for k, v in row.items() if v is not None or not drop_null} for row in table]
        kept = [dict(reversed(row.items())) if number % 2 else row for number, row in enumerate(kept)]
        return start + "".join(json.dumps(row, ensure_ascii=ensure_ascii) + end for row in kept).encode()

    return write


def _parquet(change: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame) -> Callable:
    def write(table: list[Row]) -> bytes:
        stream = io.BytesIO()
        change(_frame(table)).to_parquet(stream)
        return stream.getvalue()

    return write


def _nullable(frame: pd.DataFrame) -> pd.DataFrame:
    floats = any(isinstance(label, float) for label in frame["label"])
    return frame.astype({"label": "Float64"}) if floats else frame.convert_dtypes()


def _arrow(table: list[Row]) -> bytes:
    """Large strings, a dictionary, and two columns of one name that nobody asks for."""
    columns = [pa.array([row["text"] for row in table], pa.large_string()).dictionary_encode()]
    columns += [pa.array([row[name] for row in table]) for name in ("label", "id", "id", "id")]
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, names=["text", "label", "id", "note", "note"]), stream)
    return stream.getvalue()


WRITERS: dict[str, tuple[str, Callable[[list[Row]], bytes]]] = {
    "csv": (".csv", _delimited()),
    "csv, all quoted": (".csv", _delimited(quoting=csv.QUOTE_ALL, end="\n")),
    "csv, strings quoted": (".csv", _delimited(quoting=csv.QUOTE_NONNUMERIC)),
    "csv, Excel's UTF-8": (".csv", _delimited(encoding="utf-8-sig")),
    "csv, a Mac's line ends": (".csv", _delimited(end="\r")),
    "csv, pandas": (".csv", lambda table: _frame(table).to_csv(index=False).encode()),
    "csv, Excel's semicolons": (".csv", _delimited(";", "utf-8-sig")),
    "csv, all quoted, semicolons": (".csv", _delimited(";", quoting=csv.QUOTE_ALL)),
    "csv, tabs": (".csv", _delimited("\t")),
    "csv, UTF-16": (".csv", _delimited("\t", "utf-16")),
    "csv, Windows-1252": (".csv", _delimited(encoding="cp1252")),
    "csv, backslashes": (".csv", _delimited(doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL)),
    "tsv, plain": (".tsv", _plain_tabs),
    "tsv, pandas": (".tsv", lambda table: _frame(table).to_csv(index=False, sep="\t").encode()),
    "tsv, commas": (".tsv", _delimited()),
    "jsonl": (".jsonl", _lines()),
    "jsonl, UTF-8": (".jsonl", _lines(ensure_ascii=False)),
    "jsonl, byte order mark": (".jsonl", _lines(start=b"\xef\xbb\xbf")),
    "jsonl, nulls left out, CRLF, blank lines": (".jsonl", _lines(drop_null=True, end="\r\n\r\n")),
    "jsonl, pandas": (".jsonl", lambda t: _frame(t).astype({"id": str}).to_json(orient="records", lines=True).encode()),
    "jsonl, one array": (".jsonl", lambda table: json.dumps(table).encode()),
    "jsonl, an indented array": (".jsonl", lambda table: json.dumps(table, indent=1).encode()),
    "jsonl, Python's repr": (".jsonl", lambda table: "\n".join(map(repr, table)).encode()),
    "parquet, pandas": (".parquet", _parquet()),
    "parquet, pandas' nullable types": (".parquet", _parquet(_nullable)),
    "parquet, categories": (".parquet", _parquet(lambda frame: frame.astype({"label": "category"}))),
    "parquet, an index": (".parquet", _parquet(lambda frame: frame.set_index("id"))),
    "parquet, Arrow": (".parquet", _arrow),
    "parquet, gzip": (".parquet", lambda table: b"\x1f\x8b" + _parquet()(table)),
}
REFUSED = {
    "csv, Excel's semicolons": "parted by semicolons",
    "csv, all quoted, semicolons": "parted by semicolons",
    "csv, tabs": "parted by tabs",
    "csv, UTF-16": "UTF-16",
    "tsv, commas": "parted by commas",
    "jsonl, one array": "one JSON array",
    "jsonl, an indented array": "one JSON array",
    "jsonl, Python's repr": "not JSON",
    "parquet, gzip": "Parquet file",
}
"""The fault of all files of a writer."""


def is_plain(writer: str, table: list[Row]) -> bool:
    """True if a file holds nothing that two readers could take otherwise, so that it has to be read."""
    text = "".join(str(cell) for row in table for cell in row.values())
    if writer in ("csv, Windows-1252", "csv, backslashes", "tsv, pandas"):
        return text.isascii() and not set(text) & set('"\\\n\t')
    if writer == "jsonl, nulls left out, CRLF, blank lines":
        return any(row["label"] is not None for row in table)
    if writer == "tsv, plain":
        return not set(text) & set("\t\n") and '""' not in text
    return "\n" not in text or not writer.startswith("csv")


def expected(writer: str, table: list[Row]) -> dict[str, list[Any]]:
    """The columns as they are to be read: text of .csv and .tsv, else the values themselves."""
    as_text = WRITERS[writer][0] in (".csv", ".tsv")
    return {name: [_written(row[name]) if as_text else row[name] for row in table] for name in COLUMNS}


def _written(cell: Any) -> str:
    return "" if cell is None or (isinstance(cell, float) and math.isnan(cell)) else str(cell)
