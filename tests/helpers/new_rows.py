"""Predictions for rows that a test makes, as `pretrace predict` gives them, and standard input."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pretrace.inference.predict import Label, predict_file


def predicted(cell: str, rows: Iterable[dict[str, Any]], folder: Path) -> list[Label]:
    """The answers to rows, written as JSON lines; a remark on an empty text fails the test."""
    file = folder / "new-rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return [label for labels in predict_file(cell, str(file), None, pytest.fail) for label in labels]


def typed(content: bytes) -> io.TextIOWrapper:
    """A standard input with these bytes, of whatever encoding the locale has."""
    return io.TextIOWrapper(io.BytesIO(content), encoding="ascii", errors="strict")
