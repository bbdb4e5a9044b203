"""Faults among the rows of a task: ids, empty text, labels, the same row in two splits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings import Task
from pretrace.settings.section import checked
from pretrace.tasks.read_task import read_task_files
from pretrace.tasks.rows.dataset import TaskData

SPLITS = ("train", "dev", "test")
REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rows_of(split: str, count: int = 4) -> list[dict[str, Any]]:
    return [{"id": n, "text": f"{split} {n}", "label": "no" if n % 2 else "yes"} for n in range(count)]


def write(split: str, rows: list[dict[str, Any]], suffix: str = ".csv") -> str:
    table = pd.DataFrame(rows)
    if suffix == ".csv":
        table.to_csv(f"{split}.csv", index=False)
    else:
        table.to_parquet(f"{split}.parquet")
    return f"{split}{suffix}"


def read(replaced: dict[str, list[dict[str, Any]]] | None = None, suffix: str = ".csv", **own: Any) -> TaskData:
    files = {split: write(split, (replaced or {}).get(split, rows_of(split)), suffix) for split in SPLITS}
    task = checked(Task, {"kind": "classification", **files, **own}, "params.yaml", "tasks.mine")
    return read_task_files("mine", task, str.lower)


def error_of(*arguments: Any, **own: Any) -> str:
    with pytest.raises(PretraceError) as error:
        read(*arguments, **own)
    assert "\n" not in str(error.value)
    return str(error.value)


def with_cell(split: str, number: int, column: str, value: Any) -> dict[str, list[dict[str, Any]]]:
    rows = rows_of(split)
    rows[number][column] = value
    return {split: rows}


def test_repeated_id_is_refused() -> None:
    with_ids = {"columns": {"id": "id"}}
    assert len(read(**with_ids).splits["train"]) == 4
    text = error_of(with_cell("dev", 3, "id", 1), **with_ids)
    assert text.startswith("dev.csv: row 4: column 'id': id '1' is that of row 2, too")
    assert error_of(with_cell("test", 2, "id", ""), **with_ids).startswith("test.csv: row 3: column 'id' is empty")
    assert error_of(columns={"id": "name"}).startswith("train.csv: no column 'name'; it has 'id', 'text', 'label'")
    assert len(read(with_cell("dev", 3, "id", 1)).splits["dev"]) == 4  # without `columns.id` nobody asks


@pytest.mark.parametrize("value", ["", "  ", "\x07\x08", "\u200b", None, float("nan")])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_row_without_text_is_refused(value: Any, suffix: str) -> None:
    bad = with_cell("dev", 2, "text", value)
    assert error_of(bad, suffix).startswith(f"dev{suffix}: row 3: column 'text' is empty; fill it")
    left = read(bad, suffix, on_empty="skip")
    assert (len(left.splits["dev"]), left.details["left_out"]) == (3, {"empty text": 1})
    kept = read(bad, suffix, on_empty="keep").splits["dev"]
    assert [row.parts for row in kept][2] == (value if isinstance(value, str) and value.strip() else "",)


@pytest.mark.parametrize("value", ["&nbsp;", "\ufeff", "Â\xa0"])
def test_row_of_which_cleaning_leaves_no_text_is_refused(value: str) -> None:
    from pretrace.corpus import clean_text

    rows = {split: rows_of(split) for split in SPLITS} | with_cell("test", 2, "text", value)
    files = {split: write(split, rows[split]) for split in SPLITS}
    task = checked(Task, {"kind": "classification", **files}, "params.yaml", "tasks.mine")
    with pytest.raises(PretraceError, match=r"^test\.csv: row 3: column 'text' is empty; fill it"):
        read_task_files("mine", task, clean_text)
    left = read_task_files("mine", task.model_copy(update={"on_empty": "skip"}), clean_text)
    assert (len(left.splits["test"]), left.details["left_out"]) == (3, {"empty text": 1})


def test_task_without_rows_left_is_refused() -> None:
    bad = {"dev": [{"id": 0, "text": "", "label": "no"}]}
    assert error_of(bad, on_empty="skip").startswith("dev.csv: no row is left for dev")


@pytest.mark.parametrize("split", ["dev", "test"])
def test_label_missing_in_train_is_refused(split: str) -> None:
    text = error_of(with_cell(split, 1, "label", "maybe"))
    assert text == f"{split}.csv: row 2: label 'maybe' does not occur in train, which has no, yes"


def test_label_that_pandas_made_a_float_is_told() -> None:
    numbers = {split: [{**row, "label": row["id"] % 2} for row in rows_of(split)] for split in SPLITS}
    numbers["test"][1]["label"] = None
    text = error_of(numbers, ".parquet", skip_labels=[""])
    assert text.startswith("test.parquet: row 1: label 0.0 does not occur in train, which has 0, 1; pandas makes whole")
    assert error_of(numbers, ".parquet").startswith("test.parquet: row 2: column 'label' is empty")


def test_labels_are_renamed() -> None:
    numbers = {split: [{**row, "label": int(row["label"] == "yes")} for row in rows_of(split)] for split in SPLITS}
    named = read(numbers, labels={"0": "no", "1": "yes"})
    assert (named.labels, named.splits) == (read().labels, read().splits)
    assert read(labels={"0": "no", "1": "yes"}).splits == named.splits  # what is a name already stays
    text = error_of(labels={"0": "no", "1": "sure"})
    assert text == "train.csv: row 1: label 'yes' is not among `labels`: no, sure"


def test_rows_are_skipped_by_label() -> None:
    bad = with_cell("train", 0, "label", "-") | with_cell("test", 1, "label", "")
    found = read(bad, skip_labels=["-", ""])
    assert [len(found.splits[split]) for split in SPLITS] == [3, 4, 3]
    assert found.details["left_out"] == {"label -": 1, "label ": 1}
    text = error_of({"train": [{"text": "a", "label": "-"}] * 4}, skip_labels=["-"])
    assert text == "train.csv: column 'label' has no label that is not skipped; a task needs two"


def test_class_left_alone_is_refused() -> None:
    text = error_of({"train": [{"text": f"a{n}", "label": "yes"} for n in range(4)]})
    assert text == "train.csv: column 'label' has one label only: yes; a task needs two"


def test_positive_label_is_class_one() -> None:
    assert read(positive="no").labels == ["yes", "no"]
    assert error_of(positive="maybe") == "params.yaml: tasks.mine.positive: got 'maybe'; takes no or yes"


@pytest.mark.parametrize("value", [-0.1, 5.2])
def test_label_outside_the_scale_is_refused(value: float) -> None:
    pairs = {split: [{"first": f"{split}{n}", "second": "x", "label": n} for n in range(4)] for split in SPLITS}
    pairs["dev"][3]["label"] = value
    text = error_of(pairs, kind="regression", soft_classes=6)
    assert text == f"dev.csv: row 4: label {value:g}; `soft_classes: 6` takes numbers from 0 to 5"


def shared_rows() -> dict[str, list[dict[str, Any]]]:
    """Two training rows that test has, one that dev has, and one dev row that test has."""
    train, dev, test = (rows_of(split, 6) for split in SPLITS)
    train[0]["text"], train[3]["text"], train[4]["text"] = "Test 1", "test  1", "dev 2"
    dev[5]["text"] = "test 0"
    return {"train": train, "dev": dev, "test": test}


def test_overlap_is_counted_and_kept() -> None:
    found = read(shared_rows())
    assert found.details["overlap"] == {"train in test": 2, "train in dev": 1, "dev in test": 1}
    assert [len(found.splits[split]) for split in SPLITS] == [6, 6, 6]
    assert found.warnings[0] == (
        "2 of 6 train rows are in test, too: they stay; the task's `overlap: drop` takes them out"
    )
    assert len(found.warnings) == 3
    assert read().details["overlap"] == {}
    assert read().warnings == []


def test_overlap_is_dropped() -> None:
    found = read(shared_rows(), overlap="drop")
    assert found.details["overlap"] == {"train in test": 2, "train in dev": 1, "dev in test": 1}
    assert [row.parts[0] for row in found.splits["train"]] == ["train 1", "train 2", "train 5"]
    assert [row.parts[0] for row in found.splits["dev"]] == [f"dev {n}" for n in range(5)]
    assert len(found.splits["test"]) == 6
    text = error_of({"train": rows_of("test")}, overlap="drop")
    assert text == "params.yaml: tasks.mine.overlap: drop leaves no train row: all are in test"


def test_overlap_ignores_the_order_of_a_symmetric_pair() -> None:
    pairs = {split: [{"first": f"{split}{n}", "second": "x", "label": n % 2} for n in range(4)] for split in SPLITS}
    pairs["train"][0] = {"first": "x", "second": "test2", "label": 0}
    assert read(pairs, kind="similarity").details["overlap"] == {"train in test": 1}
    assert read(pairs, kind="entailment").details["overlap"] == {}


def test_file_without_a_header_takes_column_names() -> None:
    Path("bare.tsv").write_text('a "b\tyes\nc\tno\n')
    files = dict.fromkeys(SPLITS, "bare.tsv")
    found = read(column_names=["text", "label"], **files)
    assert [row.parts for row in found.splits["test"]] == [('a "b',), ("c",)]
    assert "no column 'label'" in error_of(**files)
    assert "more fields" in error_of(column_names=["text"], **files)


def test_byte_order_mark_is_not_part_of_a_name() -> None:
    Path("train.tsv").write_text("text\tlabel\na\tyes\nb\tno\n", encoding="utf-8-sig")
    assert read(train="train.tsv").splits["train"][0].parts == ("a",)


@pytest.mark.parametrize("content", ["text,label\n\xe9,yes\n".encode("latin-1"), b"\x00\x01\x02", b""])
def test_unreadable_file_is_refused(content: bytes) -> None:
    Path("odd.csv").write_bytes(content)
    text = error_of(test="odd.csv")
    assert text.startswith(("odd.csv: not readable as .csv: ", "odd.csv: has no rows", "odd.csv: line 2: not UTF-8: "))


def test_unlabeled_rows_are_all_kept_with_ids() -> None:
    Path("ask.csv").write_text('number,text\n7,A\n9,\n8,"B"\n')
    found = read(unlabeled="ask.csv").unlabeled
    assert [(row.origin, row.parts) for row in found] == [("0", ("a",)), ("1", ("",)), ("2", ("b",))]
    Path("ask.csv").write_text("id,text\n7,A\n7,B\n")
    assert error_of(unlabeled="ask.csv", columns={"id": "id"}).startswith("ask.csv: row 2: column 'id': id '7'")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"dataset": {"name": "a/b"}}, "`dataset` needs `name`, `revision`"),
        ({"dataset": {"name": "a/b", "revision": "main"}}, "tasks.mine.dataset.revision: got 'main'"),
        ({"dev_split": {"rows": 2, "seed": 1}}, "`dev_split` cuts dev from train, so it excludes `dev`"),
        ({"metric": "f1"}, "`metric: f1` needs `positive`"),
        ({"kind": "regression", "positive": "a"}, "`positive` is one of two classes"),
        ({"on_empty": "ignore"}, "tasks.mine.on_empty"),
    ],
)
def test_contradicting_settings_are_refused(own: dict[str, Any], said: str) -> None:
    assert said in error_of(**own)


def test_dev_split_larger_than_train_is_refused() -> None:
    text = error_of(dev=None, dev_split={"rows": 4, "seed": 1})
    assert text == "params.yaml: tasks.mine.dev_split.rows: got 4; train.csv has 4"


def test_hub_without_its_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    own = {"dataset": {"name": "a/b", "revision": REVISION}, "train": "train", "dev": None, "test": "test"}
    assert error_of(**own).startswith("params.yaml: tasks.mine.dataset: the Hugging Face Hub needs a package that is")
