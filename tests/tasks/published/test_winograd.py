"""The Winograd schemas as published: sentences with a blank, for partial evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.evaluation.zero_shot.heuristics import around_blank
from pretrace.settings.experiment import Task
from pretrace.settings.section import checked
from pretrace.tasks.read_task import read_task_files

SCHEMA = """<schema>
<text>
  <txt1>The trophy {number} does not fit in the
    suitcase because</txt1> <pron>{pronoun}</pron> <txt2>is too big.</txt2>
</text>
<quote><quote1></quote1><pron>it</pron><quote2>is too big</quote2></quote>
<answers><answer>the trophy </answer><answer> the suitcase</answer></answers>
<correctAnswer> {right}. </correctAnswer>
<source>(Hector Levesque)</source>
</schema>
"""


def write(path: Path, more: str = "") -> Task:
    schemas = "".join(SCHEMA.format(number=n, pronoun=("it", "His")[n % 2], right="AB"[n % 2 == 0]) for n in range(20))
    path.write_text(f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n{more}<collection>{schemas}</collection>')
    entry = {"kind": "multiple_choice", "train": str(path), "format": "winograd", "zero_shot": "referents"}
    columns = {"first": "sentence", "choices": "choices", "label": "answer"}
    return checked(Task, {**entry, "columns": columns}, "params.yaml")


def test_schemas_are_sentences_with_a_blank(tmp_path: Path) -> None:
    found = read_task_files("winograd", write(tmp_path / "WSCollection.xml"), str)
    assert [len(rows) for rows in found.splits.values()] == [15, 1, 4]
    rows = sorted((row for rows in found.splits.values() for row in rows), key=lambda row: int(row.parts[0].split()[2]))
    assert rows[0].parts == (
        "The trophy 0 does not fit in the suitcase because _ is too big.",
        "the trophy",
        "the suitcase",
    )
    assert rows[1].parts[1:] == ("the trophy's", "the suitcase's")
    assert [row.label for row in rows[:2]] == [1, 0]
    assert around_blank(rows[0].parts[0], "row") == (
        "The trophy 0 does not fit in the suitcase because",
        " is too big.",
    )


@pytest.mark.parametrize("more", ['<!DOCTYPE a [<!ENTITY b "c">]>', "<", "<!entity x>"])
def test_file_with_entities_or_faults_is_refused(more: str, tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"WSCollection\.xml: not in the form that tasks\.w\.format: winograd"):
        read_task_files("w", write(tmp_path / "WSCollection.xml", more), str)


def test_schema_without_a_pronoun_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    task = write(path)
    path.write_text(path.read_text().replace("<pron>it</pron> <txt2>", "<txt2>", 1))
    with pytest.raises(PretraceError, match=r"a schema has no text/pron"):
        read_task_files("w", task, str)
