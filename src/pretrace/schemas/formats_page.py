"""docs/formats.md: one section for each JSON file, with a table of its keys, made from the records."""

from __future__ import annotations

import ast
import inspect
import re
import types
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pretrace.common.validation import StrictModel
from pretrace.schemas.catalog import CATALOG, FileFormat
from pretrace.schemas.record import Record

INTRODUCTION = """# Formats of the JSON files

<!-- Made by `python -m pretrace.schemas > docs/formats.md`; a test compares the two. -->

One section for each JSON file that one part of pretrace writes and another reads. Keys of type "..., optional" may be
missing. The records are in `src/pretrace/schemas/`; `read_record(path, Benchmark)` reads a file and refuses, in one
line, what has another form. Sections of the settings (`Card`, `Columns`, `FinetuneSettings`) are documented in
`src/pretrace/settings/`.
"""
NAMES = {int: "integer", float: "number", str: "text", bool: "true or false", type(None): "null", Any: "any"}


def formats_page() -> str:
    """Return docs/formats.md."""
    shown: dict[type[Record], str] = {}
    return "\n".join([INTRODUCTION, *(_section(entry, shown) for entry in CATALOG)])


def _section(entry: FileFormat, shown: dict[type[Record], str]) -> str:
    """Return the section of a file; `shown` has the records that have a table already, with the file of its section."""
    holds = entry.holds if isinstance(entry.holds, type) and not get_args(entry.holds) else None
    what = _summary(holds) if holds else f"{_type_text(entry.holds, capital=True)}."
    lines = [f"## `{entry.path}`", "", f"{what} Written by {entry.written_by}; read by {entry.read_by}.", ""]
    for number, record in enumerate(_records_in(entry.holds)):
        if record in shown:
            lines += [f"`{record.__name__}`: see `{shown[record]}`.", ""]
        else:
            shown[record] = entry.path
            lines += [f"### {record.__name__}", "", _summary(record), ""] if number else []
            lines += _table(record)
    return "\n".join(lines)


def _table(record: type[Record]) -> list[str]:
    lines = ["| key | type | meaning |", "| --- | --- | --- |"]
    for name, field in record.model_fields.items():
        kind = _type_text(field.annotation) + ("" if field.is_required() else ", optional")
        lines.append(f"| `{field.alias or name}` | {kind} | {_meaning(record, name)} |")
    return [*lines, ""]


def _records_in(kind: Any) -> list[type[Record]]:
    """Return the records that a type is made of, outer ones first, each once."""
    records: list[type[Record]] = []
    waiting = [kind]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, type) and not get_args(one) and issubclass(one, Record):
            if one not in records:
                records.append(one)
                waiting += [field.annotation for field in one.model_fields.values()]
        else:
            waiting += get_args(one)
    return records


def _type_text(kind: Any, capital: bool = False) -> str:
    """Return a type in words: "list of BenchmarkRow", "map of number"."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        text = " or ".join(_type_text(one) for one in inner)
    elif origin is list:
        text = f"list of {_type_text(inner[0])}"
    elif origin is dict:
        text = f"map of {_type_text(inner[1])}"
    elif origin is tuple:
        text = f"list of {', '.join(_type_text(one) for one in inner)}"
    elif origin is Literal:
        text = " or ".join(map(str, inner))
    elif hasattr(kind, "__metadata__"):  # Annotated
        text = _type_text(inner[0])
    else:
        text = NAMES.get(kind) or kind.__name__
    return text[0].upper() + text[1:] if capital else text


def _summary(record: type[StrictModel]) -> str:
    return _one_line(inspect.getdoc(record) or "")


def _meaning(record: type[Record], name: str) -> str:
    """Return the docstring under a field; of a field that says all by its name, the name in words."""
    for owner in record.__mro__:
        if name in vars(owner).get("__annotations__", {}):
            return _docstrings(Path(inspect.getfile(owner))).get((owner.__name__, name)) or _in_words(record, name)
    return ""


def _in_words(record: type[Record], name: str) -> str:
    kind = record.model_fields[name].annotation
    inner = [one for one in _records_in(kind) if one in get_args(kind) or one is kind]
    return _summary(inner[0]) if inner else f"{name.replace('_', ' ').capitalize()}."


@lru_cache
def _docstrings(path: Path) -> dict[tuple[str, str], str]:
    """Return the docstrings under the fields of a module's classes, by class and field."""
    return {
        (node.name, field): text
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
        for field, text in _documented(node.body)
    }


def _documented(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, after in pairwise(body):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, _one_line(text)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()
