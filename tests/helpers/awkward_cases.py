"""The awkward inputs of ../shared/data/awkward, each with what is right: one list, for tests/test_awkward_inputs.py.

A case is a function that gets the copied folder of its input, with the current folder above it, and asserts. A case
that is not here is not mended yet.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pretrace.common.errors import PretraceError
from pretrace.corpus import clean_text
from pretrace.settings import Task
from pretrace.settings.section import checked
from pretrace.tasks.dataset import TaskData
from pretrace.tasks.read_task import read_task_files

Case = Callable[[Path], None]


def read(folder: Path) -> TaskData:
    """Read the task of a folder's `entry.yaml`, as `pretrace check` does."""
    entry = yaml.safe_load((folder / "entry.yaml").read_text())["tasks"]["mine"]
    return read_task_files("mine", checked(Task, entry, "params.yaml", "tasks.mine"), clean_text)


def reads(labels: list[str] | None, rows: int, left_out: int = 0) -> Case:
    """A task that is read, with these classes and so many rows."""

    def case(folder: Path) -> None:
        data = read(folder)
        assert data.labels == labels
        assert sum(map(len, data.splits.values())) == rows
        assert sum(data.details["left_out"].values()) == left_out

    return case


def says(*words: str) -> Case:
    """A task that is refused in one line, which begins with the first of `words` and has the others."""

    def case(folder: Path) -> None:
        with pytest.raises(PretraceError) as error:
            read(folder)
        line = str(error.value)
        assert line.startswith(f"data/{folder.name}/{words[0]}")
        assert all(word in line for word in words)
        assert not re.search(r"Traceback|C error|<NA>|position \d", line)

    return case


def _large_latin_1(folder: Path) -> None:
    subprocess.run([sys.executable, folder / "make.py", folder / "train.csv"], check=True)
    entry = {"tasks": {"mine": {"kind": "classification", "train": f"data/{folder.name}/train.csv"}}}
    (folder / "entry.yaml").write_text(yaml.safe_dump(entry))
    says("train.csv: line 18002: not UTF-8: byte 1032796 ", "WINDOWS-1252")(folder)


def _on_a_mac(folder: Path) -> None:
    reads(None, 12)(folder)
    assert not any("/._" in row.origin for rows in read(folder).splits.values() for row in rows)


TWO = ["bad", "good"]
EMPTY_LABEL = "column 'label' is empty; every row needs a label"
CASES: dict[str, Case] = {
    # A. A cell that pandas calls NA.
    "T72": says(f"train.parquet: row 21: {EMPTY_LABEL}"),
    "T72c": says(f"train.parquet: row 21: {EMPTY_LABEL}"),
    "T72g": says("train.parquet: row 21: column 'id' is empty"),
    # B. One null among whole numbers.
    "T09": reads(TWO, 26, left_out=1),
    "T09b": reads(["0", "1"], 26, left_out=1),
    "T09c": says(f"test.jsonl: row 7: {EMPTY_LABEL}"),
    "T72j": says(f"test.parquet: row 21: {EMPTY_LABEL}"),
    # C. One reader for JSON, and one for folders.
    "T01": reads(TWO, 20),
    "T02": reads(TWO, 20),
    "T03": reads(TWO, 20),
    "T08": says("train.jsonl: row 5: column 'text': half of a surrogate pair"),
    "T05": says("train.jsonl: row 7: not JSON"),
    "T07": says("train.jsonl: row 5: more than one column 'label';"),
    "T42": _on_a_mac,
    # D. Where it is, and what to do.
    "T05b": says("train.jsonl: row 7: not JSON"),
    "T05c": says("train.jsonl: row 7: not JSON"),
    "T19": says("train.csv: line 1: fields are parted by semicolons"),
    "T21b": says("train.csv: line 802: not UTF-8", "0xe9", "iconv -f WINDOWS-1252 -t UTF-8"),
    "T21c": _large_latin_1,
    "T25": says("train.csv: no column 'label'; it has 'text', ' label'", "a space too many"),
    "T54": says("train.jsonl: row 1: one JSON array", "jq"),
    "T54b": says("train.jsonl: row 1: one JSON array", "jq"),
    "T58": says("train.csv: line 1 is no line of names: '# exported", "above line 3"),
    "T77": says("train.jsonl: line 21: not UTF-8", "0xe9"),
    "T80": says("train.jsonl: row 21: takes a JSON object, got null"),
    "T44": says("train.tsv: line 1 has more fields than there are names: 4; column_names has 3"),
    # E. Quotes that swallow rows, or stay in the text.
    "T26": says("train.csv: line 6: a quote opens a text that runs to line 12", "doubled"),
    "T34b": says('train.csv: line 2: quotes in a text are written \\"', "MySQL", "doubled"),
    "T35": says("train.tsv: line 2: texts are in quotes", "doubled"),
    # F. Values that Python reads in its own way.
    "T15d": says("train.parquet: row 1: column 'label': one label expected", "binary data"),
    "T16": says("train.parquet: row 1: column 'label': one label expected", "got a list"),
    "T16b": says("train.jsonl: row 1: column 'label': one label expected", "got a list"),
    "T45b": says("train.csv: row 6: label '1_0' is not a number"),
    "T49b": says("train.csv: row 6: column 'text' is empty"),
    # H. Columns that are there twice, or are an index.
    "T12": reads(TWO, 20),
    "T24": says("train.csv: 2 columns are called 'label'"),
    "T13b": reads(TWO, 20),
    # I. A line in the place of a traceback.
    "T69": says("train.parquet: no column 'label'; it has \"('text', 'a')\""),
}
"""By the folder's name."""
