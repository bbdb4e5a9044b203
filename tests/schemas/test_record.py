"""Records: strict when they are read, the same bytes when they are written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, ValidationError

from pretrace.common.errors import PretraceError
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.catalog import CATALOG
from pretrace.schemas.record import Record, parse_record, read_record, write_record
from tests.helpers import REPOSITORY


class Inner(Record):
    score: float
    start: int = Field(0, alias="from")


class Outer(Record):
    name: str
    inner: dict[str, Inner]
    note: str | None = None


VALUES: dict[str, Any] = {"name": "a", "inner": {"x": {"score": 0.5, "from": 3}, "y": {"score": 1.0}}}


def test_record_is_written_with_the_keys_it_was_read_with(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for values in (VALUES, {**VALUES, "note": None}):
        write_record(path, parse_record(values, Outer, "a.json"))
        assert json.loads(path.read_text()) == values
        assert read_record(path, Outer).inner["x"].start == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inner": {"x": {"score": "high"}}}, r"a\.json: inner\.x\.score: got 'high'; input should be a valid number"),
        ({"inner": {"x": {"score": True}}}, r"a\.json: inner\.x\.score: got True"),
        ({"inner": {"x": {}}}, r"a\.json: inner\.x\.score: missing, as in files of older versions; run `dvc repro`"),
        ({"more": 1}, r"a\.json: more: no such key in this version; run `dvc repro`"),
        ({"inner": []}, r"a\.json: inner: got \[\]; input should be a valid dictionary"),
    ],
)
def test_error_names_file_and_key(change: dict[str, Any], message: str) -> None:
    with pytest.raises(PretraceError, match=message) as error:
        parse_record({**VALUES, **change}, Outer, "a.json")
    assert "\n" not in str(error.value)


def test_file_that_holds_no_object_is_refused() -> None:
    with pytest.raises(PretraceError, match=r"a\.json: \(the whole file\): got \[\]; takes keys with values"):
        parse_record([], Outer, "a.json")


def test_unknown_keys_of_other_versions_can_be_ignored() -> None:
    record = parse_record({**VALUES, "more": 1}, Outer, "a.json", unknown="ignore")
    assert record == parse_record(VALUES, Outer, "a.json")


def test_record_cannot_be_changed() -> None:
    record = parse_record(VALUES, Outer, "a.json")
    with pytest.raises(ValidationError):
        record.name = "b"  # type: ignore[misc]


def own_reports() -> list[tuple[Path, Any]]:
    """This repository's own reports, each with what it holds."""
    patterns = [(re.sub(r"<\w+>", "*", entry.path), entry.holds) for entry in CATALOG]
    return [(path, holds) for pattern, holds in patterns for path in sorted(REPOSITORY.glob(pattern))]


@pytest.mark.parametrize(("path", "holds"), own_reports(), ids=lambda value: getattr(value, "stem", ""))
def test_reports_of_this_repository_are_read_and_written_back(tmp_path: Path, path: Path, holds: Any) -> None:
    record = read_record(path, holds)
    write_record(tmp_path / "again.json", record)
    if path.parent.parent.name == "curves" or path.name == "cost.json":  # one row per line; keys sorted
        assert json.loads((tmp_path / "again.json").read_text()) == json.loads(path.read_text())
    else:
        assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_own_reports_are_there() -> None:
    assert len({path.name for path, _ in own_reports()}) >= 8
    assert read_record(REPOSITORY / "reports/benchmark.json", Benchmark).rows
