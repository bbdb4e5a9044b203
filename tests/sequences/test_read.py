"""Rows of tasks from text to text, from every form of file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.sequences.read import read_sequences
from pretrace.settings.sequences.task import SequenceTask


def task(**values: Any) -> SequenceTask:
    return SequenceTask.model_validate({"columns": {"source": "q", "target": "a"}, **values})


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_table_has_accepted_answers_in_a_list(tmp_path: Path) -> None:
    write_lines(tmp_path / "t.jsonl", [{"q": f"{n}?", "a": [f"{n}", f"{n}", "", "x"], "k": n % 2} for n in range(20)])
    data = read_sequences("t", task(train="t.jsonl", where={"k": "1"}), tmp_path)
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 8, "dev": 1, "test": 1} or (
        sum(map(len, data.splits.values())) == 10
    )
    row = data.splits["train"][0]
    assert row.targets == (row.source[:-1], "x")
    assert row.origin.startswith(f"{tmp_path / 't.jsonl'}: row ")


def test_column_may_lie_in_an_object(tmp_path: Path) -> None:
    write_lines(tmp_path / "t.jsonl", [{"translation": {"en": f"one {n}", "de": f"eins {n}"}} for n in range(9)])
    columns = {"source": "translation.en", "target": "translation.de"}
    data = read_sequences("t", task(train="t.jsonl", columns=columns), tmp_path)
    assert all(row.targets[0] == row.source.replace("one", "eins") for row in data.splits["test"])


def test_lines_of_two_files_are_pairs(tmp_path: Path) -> None:
    (tmp_path / "test.en").write_text("one\ntwo\nthree\n")
    (tmp_path / "test.de").write_text("eins\nzwei\ndrei\n")
    entry = task(test="test", format="lines", columns={"source": "en", "target": "de"})
    data = read_sequences("t", entry, tmp_path)
    pairs = {(row.source, row.targets) for rows in data.splits.values() for row in rows}
    assert pairs == {("one", ("eins",)), ("two", ("zwei",)), ("three", ("drei",))}
    (tmp_path / "test.de").write_text("eins\nzwei\n")
    with pytest.raises(PretraceError, match=r"sequences\.t\.test: line n belongs to line n.*test\.en: 3, test\.de: 2"):
        read_sequences("t", entry, tmp_path)


SQUAD = {
    "data": [
        {
            "paragraphs": [
                {
                    "context": "The cat sat.",
                    "qas": [
                        {"question": "Who sat?", "answers": [{"text": "The cat"}, {"text": "cat"}]},
                        {"question": "Who stood?", "answers": []},
                    ],
                }
            ]
        }
    ]
}
COQA = {
    "data": [
        {
            "story": "The cat sat.",
            "questions": [{"input_text": "Who?"}, {"input_text": "Where?"}],
            "answers": [{"input_text": "cat"}, {"input_text": "here"}],
            "additional_answers": {"0": [{"input_text": "the cat"}, {"input_text": "there"}]},
        }
    ]
}
TRIVIA = {"Data": [{"Question": f"q{n}", "Answer": {"Value": "v", "Aliases": ["v", "w"]}} for n in range(2)]}
WEB = [
    {"utterance": f"who {n}?", "targetValue": '(list (description "Jazmyn Bieber") (description Jaxon))'}
    for n in (1, 2)
]


@pytest.mark.parametrize(
    ("form", "content", "row"),
    [
        ("squad", SQUAD, ("The cat sat.", "Who stood?", ("unanswerable",))),
        ("squad", SQUAD, ("The cat sat.", "Who sat?", ("The cat", "cat"))),
        ("coqa", COQA, ("The cat sat.\n\nQ: Who?\nA: cat", "Where?", ("here", "there"))),
        ("triviaqa", TRIVIA, ("", "q1", ("v", "w"))),
        ("webquestions", WEB, ("", "who 2?", ("Jazmyn Bieber", "Jaxon"))),
    ],
)
def test_published_json_is_read(form: str, content: Any, row: tuple[str, str, tuple[str, ...]], tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(content))
    data = read_sequences("t", task(test="t.json", format=form, no_answer="unanswerable"), tmp_path)
    assert row in [(one.context, one.source, one.targets) for rows in data.splits.values() for one in rows]


@pytest.mark.parametrize("content", ["{", "[]", '{"data": [{"paragraphs": 3}]}', "null"])
def test_damaged_json_names_file_and_key(content: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(PretraceError, match=r"t\.json: not in the form that sequences\.t\.format: squad reads"):
        read_sequences("t", task(test="t.json", format="squad"), tmp_path)


def test_splits_are_cut_by_a_draw_and_share_no_source(tmp_path: Path) -> None:
    write_lines(tmp_path / "t.jsonl", [{"q": f"{n // 2}?", "a": str(n)} for n in range(200)])
    data, again = (read_sequences("t", task(train="t.jsonl"), tmp_path) for _ in range(2))
    assert data == again
    sources = {split: {row.source for row in rows} for split, rows in data.splits.items()}
    assert not (
        sources["train"] & sources["test"] or sources["dev"] & sources["test"] or sources["train"] & sources["dev"]
    )
    assert (len(sources["test"]), len(sources["dev"])) == (20, 8)


def test_missing_file_and_column_name_their_key(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"sequences\.t\.train: no file none\.csv"):
        read_sequences("t", task(train="none.csv"), tmp_path)
    write_lines(tmp_path / "t.jsonl", [{"q": "1", "b": "2"}, {"q": "2", "b": "2"}])
    with pytest.raises(PretraceError, match=r"no column 'a'.*sequences\.t\.columns"):
        read_sequences("t", task(train="t.jsonl"), tmp_path)
    with pytest.raises(PretraceError, match=r"t\.jsonl has no row with b '3'; see sequences\.t\.where"):
        read_sequences("t", task(train="t.jsonl", columns={"source": "q", "target": "q"}, where={"b": "3"}), tmp_path)
    with pytest.raises(PretraceError, match=r"row 1: column 'b': a text expected, got dict"):
        write_lines(tmp_path / "t.jsonl", [{"q": "1", "b": {"c": 1}}])
        read_sequences("t", task(train="t.jsonl", columns={"source": "q", "target": "b"}), tmp_path)
