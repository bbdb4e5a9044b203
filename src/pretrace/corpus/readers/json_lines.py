"""JSON objects, one a line: what counts as one, for documents and for tables."""

from __future__ import annotations

import json
from typing import Any

from pretrace.corpus.readers.faults import BadInputError

TYPES = {"NoneType": "null", "list": "a list", "str": "a text", "bool": "true or false"}


class Repeated(dict[str, Any]):
    """A JSON object in which a key is there twice; the last value counts, as for Python."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.names = [name for name, _ in pairs]


def read_object(text: str) -> dict[str, Any]:
    """Return the JSON object in a text.

    Raises:
        BadInputError: "not_json", "json_array" or "not_an_object".
    """
    text = text.strip(" \t\r\n")  # JSON's own white space
    try:
        row, end = _DECODER.raw_decode(text)
        if end < len(text):
            raise json.JSONDecodeError("Extra data", text, end)
    except (ValueError, RecursionError) as error:
        if text == "[":
            raise BadInputError("json_array") from None
        raise BadInputError("not_json", error) from None
    if isinstance(row, dict):
        return row
    if isinstance(row, list) and row and isinstance(row[0], dict):
        raise BadInputError("json_array")
    raise BadInputError("not_an_object", TYPES.get(type(row).__name__, "a number"))


def names_of(row: dict[str, Any]) -> list[str]:
    """Return the keys of an object, twice if they are there twice."""
    return row.names if isinstance(row, Repeated) else list(row)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    return row if len(row) == len(pairs) else Repeated(pairs)


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
