"""Labeled files as tasks: every kind from every format, and one line for all that can be wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings import Task, Workers
from pretrace.tasks.read_task import read_task_files
from pretrace.tasks.rows.dataset import SPLITS, TaskData

FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")
TABLES: dict[str, list[dict[str, Any]]] = {
    "classification": [{"text": "Good,  really\n good", "label": "yes"}, {"text": "Bad", "label": "no"}],
    "entailment": [{"first": "A", "second": "B", "label": "yes"}, {"first": "C", "second": "D", "label": "no"}],
    "similarity": [{"first": "A", "second": "B", "label": "1"}, {"first": "C", "second": "D", "label": "0"}],
    "regression": [{"first": "A", "second": "B", "label": 2.5}, {"first": "C", "second": "D", "label": -1}],
    "multiple_choice": [
        {"first": "A", "q": "why", "c1": "B", "c2": "C", "c3": "D", "label": "C"},
        {"first": "E", "q": "how", "c1": "F", "c2": "G", "c3": "H", "label": "0"},
    ],
}
EXPECTED = {
    "classification": [(("good, really good",), 1), (("bad",), 0)],
    "entailment": [(("a", "b"), 1), (("c", "d"), 0)],
    "similarity": [(("a", "b"), 1), (("c", "d"), 0)],
    "regression": [(("a", "b"), 2.5), (("c", "d"), -1.0)],
    "multiple_choice": [(("a why", "b", "c", "d"), 2), (("e how", "f", "g", "h"), 0)],
}
COLUMNS = {"multiple_choice": {"question": "q", "choices": ["c1", "c2", "c3"]}}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, rows: list[dict[str, Any]]) -> str:
    table = pd.DataFrame(rows)
    if name.endswith(".csv"):
        table.to_csv(name, index=False)
    elif name.endswith(".tsv"):
        flat = table.map(lambda cell: " ".join(cell.split()) if isinstance(cell, str) else cell)
        flat.to_csv(name, index=False, sep="\t")
    elif name.endswith(".jsonl"):
        Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        table.to_parquet(name)
    return name


def read(kind: str = "classification", columns: dict[str, Any] | None = None, **settings: Any) -> TaskData:
    task = Task.model_validate({"kind": kind, "columns": columns or COLUMNS.get(kind, {}), **settings})
    return read_task_files("mine", task, str.lower)


def error_of(**settings: Any) -> str:
    with pytest.raises(PretraceError) as error:
        read(**settings)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kind", TABLES)
def test_read_task_of_every_kind_from_every_format(kind: str, suffix: str) -> None:
    files = {split: write(f"{split}{suffix}", TABLES[kind]) for split in SPLITS}
    task = read(kind, **files)
    assert task.kind == kind
    assert task.metric == ("pearson" if kind == "regression" else "accuracy")
    assert task.labels == {"entailment": ["no", "yes"], "classification": ["no", "yes"], "similarity": ["0", "1"]}.get(
        kind
    )
    for split in SPLITS:
        assert [(row.parts, row.label) for row in task.splits[split]] == EXPECTED[kind]
        assert [row.origin for row in task.splits[split]] == [f"{split}{suffix}:1", f"{split}{suffix}:2"]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_read_choices_from_a_list_with_numbered_labels(suffix: str) -> None:
    rows = [{"first": "a", "choices": ["b", "c"], "label": 1}, {"first": "d", "choices": ["e", "f"], "label": 0}]
    files = {split: write(f"{split}{suffix}", rows) for split in SPLITS}
    task = read("multiple_choice", {"choices": "choices"}, **files)
    assert [(row.parts, row.label) for row in task.splits["test"]] == [(("a", "b", "c"), 1), (("d", "e", "f"), 0)]


def test_read_renamed_columns_and_integer_labels() -> None:
    rows = [{"sentence": "A", "gold": 1, "more": None}, {"sentence": "B", "gold": 0, "more": None}]
    files = {split: write(f"{split}.parquet", rows) for split in SPLITS}
    task = read("classification", {"text": "sentence", "label": "gold"}, metric="matthews", **files)
    assert task.labels == ["0", "1"]
    assert task.metric == "matthews"


def many(count: int, classes: int = 2) -> list[dict[str, Any]]:
    return [{"text": f"t{number}", "label": f"c{number % classes}"} for number in range(count)]


def test_dev_is_a_tenth_of_train_without_a_file() -> None:
    train, test = write("train.csv", many(50)), write("test.csv", many(7))
    task = read(train=train, test=test)
    texts = {split: [row.parts[0] for row in task.splits[split]] for split in SPLITS}
    assert (len(texts["train"]), len(texts["dev"]), len(texts["test"])) == (45, 5, 7)
    assert sorted(texts["train"] + texts["dev"]) == sorted(f"t{number}" for number in range(50))
    assert read(train=train, test=test) == task
    assert [row.origin for row in task.splits["dev"]] == [f"train.csv:{int(t[1:]) + 1}" for t in texts["dev"]]


def test_one_file_gives_all_splits() -> None:
    train = write("train.csv", many(100))
    task = read(train=train)
    texts = {split: [row.parts[0] for row in task.splits[split]] for split in SPLITS}
    assert [len(texts[split]) for split in SPLITS] == [72, 8, 20]
    assert sorted(texts["train"] + texts["dev"] + texts["test"]) == sorted(f"t{number}" for number in range(100))
    assert read(train=train) == task
    assert [len(read(train=train, dev=train).splits[split]) for split in SPLITS] == [80, 100, 20]


def test_workers_give_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    train = write("train.csv", many(80))
    task = Task(kind="classification", train=train)
    alone = read_task_files("mine", task, str.upper)
    monkeypatch.setattr("pretrace.tasks.read_task.BATCH", 5)
    monkeypatch.setattr("pretrace.tasks.read_task.BATCHES_FOR_WORKERS", 2)
    assert read_task_files("mine", task, str.upper, Workers(count=2)) == alone


def test_train_rows_are_sampled() -> None:
    files = {split: write(f"{split}.csv", many(60)) for split in SPLITS}
    task = read(**files, train_rows=20, test_rows=10)
    assert [len(task.splits[split]) for split in SPLITS] == [20, 10, 10]
    assert task.splits["train"] != read(**files).splits["train"][:20]  # drawn, not the first
    assert read(**files, train_rows=20, test_rows=10) == task
    assert len(read(**files, train_rows=600).splits["train"]) == 60


def test_rare_label_is_known_in_every_split() -> None:
    rows = [*many(40), {"text": "t40", "label": "rare"}]
    train, test = write("train.csv", rows), write("test.csv", [*many(5), {"text": "x", "label": "rare"}])
    for count in (5, 10, 30):
        task = read(train=train, test=test, train_rows=count)
        assert task.labels == ["c0", "c1", "rare"]
        assert task.splits["test"][-1].label == 2


# What can be wrong.


def good_files(kind: str = "classification", suffix: str = ".csv") -> dict[str, str]:
    return {split: write(f"{split}{suffix}", TABLES[kind]) for split in SPLITS}


@pytest.mark.parametrize("split", SPLITS)
def test_missing_file_is_refused(split: str) -> None:
    files = good_files()
    Path(files[split]).unlink()
    assert error_of(**files).startswith(f"params.yaml: tasks.mine.{split}: no file {split}.csv")


def test_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert "folder.csv: a folder, not a regular file" in error_of(**{**good_files(), "dev": "folder.csv"})


@pytest.mark.parametrize("name", ["rows.doc", "rows", "rows.xlsx"])
def test_unknown_format_is_refused(name: str) -> None:
    Path(name).write_text("x")
    text = error_of(**{**good_files(), "test": name})
    assert text.startswith(f"{name}: a task's rows are read from .parquet, .csv, .tsv, .txt, .jsonl")


@pytest.mark.parametrize("suffix", FORMATS)
def test_empty_file_is_refused(suffix: str) -> None:
    Path(f"empty{suffix}").write_bytes(b"")
    assert error_of(**{**good_files(), "test": f"empty{suffix}"}).startswith(f"empty{suffix}: ")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_file_without_rows_is_refused(suffix: str) -> None:
    table = pd.DataFrame({"text": [], "label": []})
    if suffix == ".parquet":
        table.to_parquet("none.parquet")
    else:
        table.to_csv(f"none{suffix}", index=False, sep="\t" if suffix == ".tsv" else ",")
    assert error_of(**{**good_files(), "test": f"none{suffix}"}) == f"none{suffix}: has no rows"


@pytest.mark.parametrize("suffix", FORMATS)
def test_file_of_another_format_is_refused(suffix: str) -> None:
    Path(f"odd{suffix}").write_bytes(b'\xff\xfe\x00{"text": \x80\n\n"\x00')
    assert error_of(**{**good_files(), "test": f"odd{suffix}"}).startswith(f"odd{suffix}: ")


@pytest.mark.parametrize("content", ["text,label\na,b,yes\nc,d,no\n", "text,label\na,yes\nb,c,no\n"])
def test_unquoted_commas_are_refused(content: str) -> None:
    Path("commas.csv").write_text(content)
    assert error_of(**{**good_files(), "test": "commas.csv"}).startswith("commas.csv: ")


def test_short_row_is_refused() -> None:
    Path("short.csv").write_text("text,label\na,yes\nb\n")
    assert error_of(**{**good_files(), "test": "short.csv"}).startswith("short.csv: row 2: column 'label' is empty")


MISSING = [
    ("classification", "text"),
    ("classification", "label"),
    ("entailment", "first"),
    ("similarity", "second"),
    ("regression", "label"),
    ("multiple_choice", "first"),
    ("multiple_choice", "q"),
    ("multiple_choice", "c2"),
    ("multiple_choice", "label"),
]


@pytest.mark.parametrize(("kind", "column"), MISSING)
@pytest.mark.parametrize("split", ["train", "test"])
def test_missing_column_is_refused(kind: str, column: str, split: str) -> None:
    files = good_files(kind)
    left = [{key: value for key, value in row.items() if key != column} for row in TABLES[kind]]
    write(files[split], left)
    text = error_of(kind=kind, **files)
    assert text.startswith(f"{split}.csv: no column {column!r}; it has {', '.join(map(repr, left[0]))}")


def with_cell(kind: str, column: str, value: Any, split: str = "test", suffix: str = ".jsonl") -> dict[str, str]:
    files = good_files(kind, suffix)
    rows = [dict(row) for row in TABLES[kind]]
    rows[1][column] = value
    write(files[split], rows)
    return files


def test_label_missing_in_train_is_refused() -> None:
    text = error_of(**with_cell("classification", "label", "maybe"))
    assert text == "test.jsonl: row 2: label 'maybe' does not occur in train, which has no, yes"
    assert "dev.jsonl: row 2" in error_of(**with_cell("classification", "label", None, "dev"))


@pytest.mark.parametrize("suffix", FORMATS)
def test_train_row_without_a_label_is_refused(suffix: str) -> None:
    text = error_of(**with_cell("classification", "label", None, "train", suffix))
    assert text == f"train{suffix}: row 2: column 'label' is empty; every row needs a label"


@pytest.mark.parametrize("kind", ["classification", "regression", "multiple_choice"])
@pytest.mark.parametrize("value", [None, "", " \t", "\u200b\x07", float("nan")])
def test_row_without_a_label_is_refused_in_every_kind(kind: str, value: Any) -> None:
    text = error_of(kind=kind, **with_cell(kind, "label", value))
    assert text == "test.jsonl: row 2: column 'label' is empty; every row needs a label"


@pytest.mark.parametrize("kind", ["classification", "regression", "multiple_choice"])
@pytest.mark.parametrize(("value", "what"), [([1], "a list"), ({"a": 1}, "an object"), ([], "a list")])
def test_label_that_is_no_single_value_is_refused(kind: str, value: Any, what: str) -> None:
    text = error_of(kind=kind, **with_cell(kind, "label", value))
    assert text.startswith(f"test.jsonl: row 2: column 'label': one label expected, a text or a number, got {what}")


@pytest.mark.parametrize("value", ["much", "nan", "inf", "1_0", "\u0661", "0x1", True, "1,5"])
def test_label_of_a_regression_is_a_number(value: Any) -> None:
    text = error_of(kind="regression", **with_cell("regression", "label", value))
    assert text.startswith("test.jsonl: row 2: label ")
    assert text.endswith("is not a number; regression takes numbers")


@pytest.mark.parametrize("value", ["D", "3", "-1", "c", "²", "\u0661", 3, 0.5, True])
def test_label_of_a_choice_is_its_letter_or_index(value: Any) -> None:
    text = error_of(kind="multiple_choice", **with_cell("multiple_choice", "label", value))
    assert text.startswith("test.jsonl: row 2: label ")
    assert text.endswith("takes A to C, or a number from 0 to 2")


@pytest.mark.parametrize("value", [None, 3, ["x"]])
@pytest.mark.parametrize(
    ("kind", "column"),
    [("classification", "text"), ("similarity", "second"), ("multiple_choice", "q"), ("multiple_choice", "c1")],
)
def test_cell_that_is_not_text_is_refused(kind: str, column: str, value: Any) -> None:
    text = error_of(kind=kind, **with_cell(kind, column, value))
    said = " is empty; fill it" if value is None else ": text expected, got "
    assert text.startswith(f"test.jsonl: row 2: column {column!r}{said}")


def choice_files(choices: Any, split: str = "test") -> dict[str, Any]:
    good = [{"first": "a", "choices": ["b", "c", "d"], "label": 0}] * 2
    files: dict[str, Any] = {name: write(f"{name}.jsonl", good) for name in SPLITS}
    write(files[split], [good[0], {"first": "a", "choices": choices, "label": 0}])
    return {"kind": "multiple_choice", "columns": {"choices": "choices"}, **files}


@pytest.mark.parametrize("choices", ["b c d", None, 3, {"text": ["b", "c", "d"]}])
def test_choices_that_are_not_a_list_are_refused(choices: Any) -> None:
    assert error_of(**choice_files(choices)).startswith("test.jsonl: row 2: a list of choices expected, got ")


@pytest.mark.parametrize("choices", [["b", "c"], ["b", "c", "d", "e"], ["b"], []])
def test_row_with_another_number_of_choices_is_refused(choices: list[str]) -> None:
    text = error_of(**choice_files(choices))
    assert text.startswith(f"test.jsonl: row 2: has {len(choices)} choices; every row needs the same number")


def test_file_with_another_number_of_choices_is_refused() -> None:
    settings = choice_files(["b", "c", "d"])
    write("dev.jsonl", [{"first": "a", "choices": ["b", "c"], "label": 0}])
    assert error_of(**settings) == "dev.jsonl: every row needs 3 choices, as in train.jsonl"


@pytest.mark.parametrize("choices", [[], ["c1"]])
def test_single_choice_is_refused(choices: list[str]) -> None:
    files = good_files("multiple_choice")
    text = error_of(kind="multiple_choice", columns={"choices": choices}, **files)
    assert f"has {len(choices)} choices" in text


def test_single_class_is_refused() -> None:
    files = good_files()
    write("train.csv", many(4, classes=1))
    assert error_of(**files) == "train.csv: column 'label' has one label only: c0; a task needs two"


def test_f1_needs_two_labels() -> None:
    files = {split: write(f"{split}.csv", many(6, classes=3)) for split in SPLITS}
    found = error_of(metric="f1", positive="c0", **files)
    assert found.startswith("params.yaml: tasks.mine.metric: f1 takes two labels")


def test_f1_counts_the_positive_label() -> None:
    files = {split: write(f"{split}.csv", many(6, classes=2)) for split in SPLITS}
    assert read(metric="f1", positive="c0", **files).labels == ["c1", "c0"]
    assert read(metric="f1", positive="c1", **files).labels == ["c0", "c1"]
    found = error_of(metric="f1", positive="C0", **files)
    assert found == "params.yaml: tasks.mine.positive: got 'C0'; takes c0 or c1"


@pytest.mark.parametrize("kind", ["regression", "multiple_choice"])
def test_single_row_cannot_be_split(kind: str) -> None:
    files = good_files(kind)
    write("train.csv", TABLES[kind][:1])
    text = error_of(kind=kind, train="train.csv", test=files["test"])
    assert text == "train.csv: 1 row is too few for train and the dev rows that are cut from it"
    assert "the test rows that are cut" in error_of(kind=kind, train="train.csv", dev=files["dev"])


def test_text_like_null_and_numbers_stays_text() -> None:
    rows = [{"text": "NA", "label": "None"}, {"text": "007", "label": "null"}]
    for suffix in (".csv", ".tsv", ".jsonl"):
        files = {split: write(f"{split}{suffix}", rows) for split in SPLITS}
        task = read(**files)
        assert [row.parts[0] for row in task.splits["test"]] == ["na", "007"]
        assert task.labels == ["None", "null"]


def test_tsv_quotes_are_text() -> None:
    Path("q.tsv").write_text('text\tlabel\nhe said "no\tyes\n"a" b\tno\n')
    files = {split: "q.tsv" for split in SPLITS}
    assert [row.parts[0] for row in read(**files).splits["test"]] == ['he said "no', '"a" b']


def test_column_named_like_a_date_stays_text() -> None:
    rows = [{"date": "2020-01-01", "label": "a"}, {"date": "2021-01-01", "label": "b"}]
    files = {split: write(f"{split}.jsonl", rows) for split in SPLITS}
    assert read(columns={"text": "date"}, **files).splits["test"][0].parts == ("2020-01-01",)


def test_labels_are_integers_for_training() -> None:
    labels = [row.label for row in read(**good_files()).splits["train"]]
    assert np.array(labels).dtype == np.int64
