"""Tables that programs write are read as they were, or refused in one line that names the place."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.corpus.readers.tables.read_table import parse_table
from tests.helpers.written_tables import COLUMNS, REFUSED, WRITERS, Row, expected, is_plain, rows

AMBIGUOUS = ("csv, a Mac's line ends", "csv, backslashes", "tsv, pandas", "tsv, plain")
PLACE = re.compile(r"rows\.\w+: (row \d|line \d|no column '|not readable as |not a whole Parquet file)")


def check_reading(writer: str, table: list[Row]) -> None:
    suffix, write = WRITERS[writer]
    try:
        content = write(table)
    except (OverflowError, ValueError):  # Arrow has no integers of 70 bits
        assert suffix == ".parquet" or "pandas" in writer
        return
    if writer == "csv, Windows-1252" and not is_plain(writer, table) and is_utf8(content):
        return  # sound, and another text
    try:
        found = parse_table(content, f"rows{suffix}", suffix, COLUMNS)
        columns = {name: found.column(name) for name in COLUMNS}
    except PretraceError as error:
        assert PLACE.match(str(error)), str(error)
        assert writer in REFUSED or not is_plain(writer, table), str(error)
        assert REFUSED.get(writer, "") in str(error)
        return
    assert writer not in REFUSED
    wanted = expected(writer, table)
    if writer == "jsonl, pandas":
        wanted["id"] = list(map(str, wanted["id"]))
    if not silently_other(writer, table):
        assert columns == wanted
        assert [list(map(type, values)) for values in columns.values()] == [
            list(map(type, values)) for values in wanted.values()
        ]


def silently_other(writer: str, table: list[Row]) -> bool:
    """True where the bytes are sound and stand for another table, which no reader can know."""
    return writer in AMBIGUOUS and not is_plain(writer, table)


def is_utf8(content: bytes) -> bool:
    try:
        return bool(content.decode())
    except UnicodeDecodeError:
        return False


CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much]


@pytest.mark.slow
@given(st.sampled_from(sorted(WRITERS)), rows())
@settings(max_examples=500, suppress_health_check=CHECKS)
def test_written_table_is_read_or_refused(writer: str, table: list[Row]) -> None:
    check_reading(writer, table)


@pytest.mark.nightly
@given(st.sampled_from(sorted(WRITERS)), rows())
@settings(max_examples=20_000, suppress_health_check=CHECKS)
def test_written_table_is_read_or_refused_in_many_more(writer: str, table: list[Row]) -> None:
    check_reading(writer, table)


@pytest.mark.parametrize("writer", WRITERS)
def test_plain_table_is_read_by_every_format(writer: str) -> None:
    table = [{"text": "Good, really", "label": 1, "id": 0}, {"text": "bad", "label": None, "id": 1}]
    if writer in ("csv, backslashes", "csv, Windows-1252"):
        assert is_plain(writer, table)
    check_reading(writer, table)
