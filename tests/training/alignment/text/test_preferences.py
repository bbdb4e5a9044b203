"""Files of preferences in their published forms, and rows that cannot be used: one line with file and row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.training.alignment.text.conversation import Turn
from pretrace.training.alignment.text.faults import RowFaults
from pretrace.training.alignment.text.preferences import read_preferences

ASKED = (Turn("user", "Why?"),)
HH = "\n\nHuman: Why?\n\nAssistant: "
MESSAGES = [{"role": "user", "content": "Why?"}]


def write(folder: Path, *rows: dict[str, Any]) -> str:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize(
    "row",
    [
        {"chosen": f"{HH}So.", "rejected": f"{HH}No."},
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        {"prompt": HH, "chosen": "So.", "rejected": "No."},
        {"prompt": MESSAGES, "chosen": [*MESSAGES, {"role": "assistant", "content": "So."}], "rejected": "No."},
        {"roles": ["user"], "turns": ["Why?"], "chosen": "So.", "rejected": "No."},
        {"prompt": "Why?", "answers": ["So.", "No."], "ranks": [0, 1]},
        {"instruction": "Why?", "choices": ["So.", "No."], "label": "A"},
    ],
    ids=["hh", "prompt", "prompt of hh", "messages", "turns", "ranks", "votes"],
)
def test_published_forms_are_read(tmp_path: Path, row: dict[str, Any]) -> None:
    (found,) = read_preferences(write(tmp_path, row), RowFaults())
    assert found.prompt.turns == ASKED and found.answers == ("So.", "No.")
    assert found.scores[0] > found.scores[1] and not found.margins
    assert found.prompt.place.endswith("mine.jsonl: row 1")


def test_scores_are_margins(tmp_path: Path) -> None:
    row = {"prompt": "Why?", "chosen": "So.", "rejected": "No.", "score_chosen": 8.5, "score_rejected": 6.0}
    (found,) = read_preferences(write(tmp_path, row), RowFaults())
    assert found.scores == (8.5, 6.0) and found.margins


PAIR = {"prompt": "Why?", "chosen": "So.", "rejected": "No."}
BAD = {
    "prompts differ": (
        {"chosen": f"{HH}So.", "rejected": "\n\nHuman: When?\n\nAssistant: No."},
        "their prompts differ",
    ),
    "equal": ({**PAIR, "rejected": "So."}, "chosen equal to rejected"),
    "empty": ({**PAIR, "chosen": " "}, "chosen: is empty"),
    "no text": ({**PAIR, "chosen": 3}, "chosen: takes text, got int"),
    "wrong speaker": ({"chosen": f"{HH}So.\n\nHuman: Oh", "rejected": f"{HH}No."}, "ends with the wrong speaker"),
    "no speaker": ({"chosen": "So.", "rejected": "No."}, "does not begin with `Human:`"),
    "twice": ({"chosen": f"{HH}So.\n\nAssistant: Oh", "rejected": f"{HH}No."}, "turn 3 is the assistant's"),
    "prompt": (
        {**PAIR, "prompt": [*MESSAGES, {"role": "assistant", "content": "So."}]},
        "ends with the assistant's turn",
    ),
    "unknown speaker": ({**PAIR, "prompt": [{"role": "robot", "content": "So."}]}, "speaker 'robot'"),
    "one answer": ({"prompt": "Why?", "answers": ["So."], "ranks": [0]}, "has one answer"),
    "lengths": ({"prompt": "Why?", "answers": ["So.", "No."], "ranks": [0]}, "lists of the same length"),
    "not a number": ({"prompt": "Why?", "answers": ["So.", "No."], "scores": [1, "b"]}, "'b', which is not a number"),
    "ties": ({"prompt": "Why?", "answers": ["So.", "No."], "ranks": [1, 1]}, "all answers are tied"),
    "vote": ({"prompt": "Why?", "choices": ["So.", "No."], "label": "C"}, "label: got 'C'; takes A, B, 0, 1 or tie"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_row_is_named_in_one_line(tmp_path: Path, name: str) -> None:
    row, said = BAD[name]
    good: dict[str, Any] = {key: value for key, value in row.items()}
    file = write(tmp_path, row)
    with pytest.raises(PretraceError) as error:
        read_preferences(file, RowFaults())
    assert said in str(error.value) and "mine.jsonl: row 1: " in str(error.value) and "\n" not in str(error.value)
    faults = RowFaults(skip=True)
    with pytest.raises(PretraceError, match="no row is left"):
        read_preferences(write(tmp_path, good), faults)
    assert len(faults.lines) == 1


def test_bad_rows_can_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faults = RowFaults(skip=True)
    found = read_preferences(write(tmp_path, {**PAIR, "chosen": ""}, PAIR), faults)
    faults.tell()
    assert len(found) == 1 and "1 rows left out; the first: " in capsys.readouterr().err


def test_votes_for_one_side_alone_are_refused(tmp_path: Path) -> None:
    rows = [{"prompt": f"Why {n}?", "choices": ["So.", "No."], "label": "B"} for n in range(3)]
    with pytest.raises(PretraceError, match="all 3 votes are 'b', one class of preference only"):
        read_preferences(write(tmp_path, *rows), RowFaults())


def test_unknown_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"has columns text; takes `chosen` and `rejected`"):
        read_preferences(write(tmp_path, {"text": "a"}), RowFaults())
