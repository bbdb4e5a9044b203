"""Reading and writing records: JSON files with typed keys.

A record is strict: an unknown or missing key and a value of another type are refused in one line that names the file
and the key. It is written with the keys that it was made with, in the order of its fields, so that reading a file and
writing it again gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from pretrace.common.files import read_json, write_json
from pretrace.common.open_file import TEXT_BYTES
from pretrace.common.validation import StrictModel, readable_error

AGAIN = "run `dvc repro`, which writes it again"
Kind = TypeVar("Kind")


class Record(StrictModel):
    """A JSON object whose keys are fields. A field with a default is a key that a file may lack."""

    def as_json(self) -> dict[str, Any]:
        """Return the keys and values that its file has."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Measured(Record):
    """Results of a command, and what they were made with."""

    commit: str
    """Git commit that was checked out; "none" without one, "unknown" if git refuses to say."""
    changed: bool | None = None
    """True if code, parameters or requirements differed from the commit; missing if that is not known."""
    machine: str
    """Processor and its instruction sets for matrix products."""
    python: str
    """Version of Python."""


def read_record(path: Path | str, kind: type[Kind], most: int = TEXT_BYTES) -> Kind:
    """Read a JSON file as a record, or as a dict or list of records: `dict[str, CostEntry]`.

    Args:
        most: bytes that it may have.

    Raises:
        PretraceError: the file is missing, is not JSON, or has another form; the text names the file and the key.
    """
    return parse_record(read_json(path, most), kind, str(path))


def read_optional_record(path: Path | str, kind: type[Kind]) -> Kind | None:
    """Read a record as `read_record` does; None where there is no such file."""
    return read_record(path, kind) if Path(path).exists() else None


def write_record(path: Path | str, record: Any) -> None:
    """Write a record, or a dict or list of records, as JSON; the same record gives the same bytes."""
    write_json(path, as_json(record))


def parse_record(
    values: Any, kind: type[Kind], file: str, under: str = "", unknown: Literal["forbid", "ignore"] = "forbid"
) -> Kind:
    """Return the record that a JSON value holds.

    Args:
        file: the file that the value is from, for the error.
        under: the key that the value stands under, where it is not the whole file.
        unknown: what to do with keys that the record does not have: "ignore" is for files of other versions.

    Raises:
        PretraceError: the value has another form.
    """
    try:
        return TypeAdapter(kind).validate_python(values, extra=unknown)
    except ValidationError as error:
        raise readable_error(
            error,
            file,
            under,
            unknown=f"no such key in this version; {AGAIN}",
            missing=f"missing, as in files of older versions; {AGAIN}",
        ) from None


def as_json(value: Any) -> Any:
    """Return what JSON can hold of records in dicts and lists."""
    if isinstance(value, Record):
        return value.as_json()
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    return [as_json(inner) for inner in value] if isinstance(value, list | tuple) else value
