"""Files of instructions in their published forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.training.alignment.text.conversation import Turn
from pretrace.training.alignment.text.faults import RowFaults
from pretrace.training.alignment.text.instructions import read_instructions


def write(folder: Path, row: dict[str, Any]) -> str:
    path = folder / "mine.jsonl"
    path.write_text(json.dumps(row) + "\n")
    return str(path)


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        ({"instruction": "Add.", "input": "1, 2", "output": "3"}, "Add.\n1, 2"),
        ({"instruction": "Add.", "input": "", "output": "3"}, "Add."),
        ({"prompt": "Add.", "response": "3"}, "Add."),
        ({"turns": ["Add.", "3"]}, "Add."),
        ({"messages": [{"role": "user", "content": "Add."}, {"role": "assistant", "content": "3"}]}, "Add."),
    ],
    ids=["alpaca", "alpaca without input", "dolly", "lima", "messages"],
)
def test_published_forms_are_read(tmp_path: Path, row: dict[str, Any], asked: str) -> None:
    (found,) = read_instructions(write(tmp_path, row), RowFaults())
    assert found.turns == (Turn("user", asked), Turn("assistant", "3"))
    assert found.opening == asked


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"instruction": "Add.", "output": ""}, "row 1: output: is empty"),
        ({"turns": ["Add.", "3", "Why?"]}, "row 1: ends with the user's turn"),
        ({"turns": "Add."}, "row 1: turns: takes a list of texts, got str"),
        ({"question": "Add."}, "has columns question; takes `turns` or `messages`"),
    ],
)
def test_bad_row_is_named_in_one_line(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    with pytest.raises(PretraceError) as error:
        read_instructions(write(tmp_path, row), RowFaults())
    assert said in str(error.value)
