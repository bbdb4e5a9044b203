"""Choices are in the file before anybody is thanked, and whole after a kill."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import main
from pretrace.common.errors import PretraceError
from pretrace.inference.feedback.summary import interval, pairs, summary_lines
from pretrace.inference.feedback.votes import Vote, append, read, remove, to_ask_again
from tests.helpers import REPOSITORY


def vote(choice: str = "left", left: int = 0, again: str | None = None, text: str = "yes") -> Vote:
    answer = {"model": "a", "fingerprint": "fp_1", "seed": 1}
    values: dict[str, Any] = {
        "prompt": [{"role": "user", "content": "really?\u2028\n"}],
        "answers": [{"text": text, **answer}, {"text": "no", **answer, "seed": 2}],
        "left": left,
        "choice": choice,
    }
    return Vote.model_validate(values | ({"again": again} if again else {}))


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "votes.jsonl"
    rows = [append(path, vote(choice)) for choice in ("left", "right", "tie", "both_bad", "skip")]
    assert list(read(path)) == rows
    assert [row.chosen for row in rows] == [0, 1, None, None, None]
    assert append(path, vote("left", left=1)).chosen == 1
    assert len(pairs(list(read(path)))) == 3


def test_half_row_is_neither_read_nor_joined_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    first = append(path, vote())
    with path.open("ab") as stream:
        stream.write(b'{"prompt": [')
    assert list(read(path)) == [first]
    second = append(path, vote())
    assert list(read(path)) == [first, second]


def test_damaged_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    append(path, vote())
    with path.open("ab") as stream:
        stream.write(b'{"prompt": 3}\n')
    with pytest.raises(PretraceError, match="row 2: prompt"):
        list(read(path))


@pytest.mark.slow
def test_no_choice_that_was_acknowledged_is_lost_in_a_kill(tmp_path: Path) -> None:
    """Processes that write as fast as they can, killed at random moments."""
    path, draws = tmp_path / "votes.jsonl", random.Random(1)
    code = (
        "import sys; from pathlib import Path; from tests.inference.feedback.test_votes import *\n"
        "while True: print(append(Path(sys.argv[1]), vote(text='long ' * 2000)).id, flush=True)"
    )
    acknowledged: list[str] = []
    for _ in range(4):
        environment = os.environ | {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}"}
        command = [sys.executable, "-c", code, str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        acknowledged += [process.stdout.readline().strip() for _ in range(draws.randint(1, 40))]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.read().split()
        process.wait()
        process.stdout.close()
    found = [row.id for row in read(path)]
    assert set(acknowledged) <= set(found)
    assert len(set(found)) == len(found)


def test_full_disk_refuses_the_choice_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After half a row; what was there stays, and the next choice is kept."""
    path, write = tmp_path / "votes.jsonl", os.write
    first = append(path, vote())

    def full(descriptor: int, content: bytes) -> int:
        write(descriptor, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(PretraceError, match="disk is full"):
            append(path, vote())
    assert path.read_bytes() == before
    second = append(path, vote())
    assert list(read(path)) == [first, second]


def test_pair_comes_back_once_with_sides_exchanged(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    assert to_ask_again(path) is None
    append(path, vote("tie"))
    assert to_ask_again(path) is None
    row = append(path, vote("left", left=0))
    again = to_ask_again(path)
    assert again and (again.id, again.left) == (row.id, 1)
    append(path, vote("right", left=1, again=row.id))
    assert to_ask_again(path) is None
    facts = dict(summary_lines(list(read(path))))
    assert facts["agreement"].startswith("1.00")
    assert facts["left side"].startswith("0.50")
    assert facts["pairs"].startswith("1 ")


def test_removed_rows_are_gone_with_those_that_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    rows = [append(path, vote()), append(path, vote())]
    append(path, vote("right", 1, again=rows[0].id))
    assert remove(path, [rows[0].id]) == 2
    assert list(read(path)) == [rows[1]]
    with pytest.raises(PretraceError, match="has no row"):
        remove(path, ["unknown"])


def test_interval_is_wilsons() -> None:
    assert interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-3)
    assert interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-3)


def test_command_writes_pairs_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "votes.jsonl", tmp_path / "pairs.jsonl"
    row = append(path, vote("right", left=0))
    assert main(["feedback", str(path)]) == 0
    assert "1 right" in capsys.readouterr().out
    assert main(["feedback", str(path), "--pairs", str(out)]) == 0
    pair = json.loads(out.read_text())
    assert (pair["chosen"], pair["rejected"], pair["prompt"][0]["role"]) == ("no", "yes", "user")
    assert main(["feedback", str(path), "--list"]) == 0
    assert row.id in capsys.readouterr().out
    assert main(["feedback", str(path), "--remove", row.id]) == 0
    assert main(["feedback", str(tmp_path / "none")]) == 1
