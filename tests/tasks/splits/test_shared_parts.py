"""Rows that share a text: groups, cuts by group, and the warning where dev and test differ."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.corpus.readers.tables.table import Table
from pretrace.settings import Task
from pretrace.tasks.read_task import read_task_files
from pretrace.tasks.rows.dataset import SPLITS, TaskData
from pretrace.tasks.splits.shared_parts import (
    LEAST_CUT,
    MOST_CUT,
    draw_groups,
    group_numbers,
    part_keys,
    share_warnings,
    shares_with_train,
    words_of,
)

PAIRS = st.lists(st.tuples(*[st.sampled_from(["", *"abcdefghijkl"])] * 2), min_size=1, max_size=30)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def columns(rows: list[tuple[str, str]]) -> list[np.ndarray]:
    return [np.array([row[part] for row in rows], object) for part in (0, 1)]


def read(rows: list[dict[str, Any]], kind: str = "entailment", **settings: Any) -> TaskData:
    pd.DataFrame(rows).to_parquet("train.parquet")
    return read_task_files("mine", Task.model_validate({"kind": kind, "train": "train.parquet", **settings}), str)


@given(PAIRS)
def test_groups_are_the_connected_components(rows: list[tuple[str, str]]) -> None:
    graph = nx.Graph()
    graph.add_nodes_from(range(len(rows)))
    graph.add_edges_from((i, text) for i, row in enumerate(rows) for text in row if text)
    expected = [sorted(n for n in part if isinstance(n, int)) for part in nx.connected_components(graph)]
    groups = group_numbers(columns(rows))
    assert sorted(np.flatnonzero(groups == g).tolist() for g in range(groups.max() + 1)) == sorted(expected)
    assert pd.unique(groups).tolist() == list(range(groups.max() + 1))  # in the order of their first rows


@given(PAIRS, st.floats(0.05, 0.5), st.integers(0, 9))
def test_drawn_rows_share_no_text_with_the_rest(rows: list[tuple[str, str]], share: float, seed: int) -> None:
    groups, count = group_numbers(columns(rows)), max(1, int(share * len(rows)))
    drawn = draw_groups(groups, count, np.random.default_rng(seed).permutation(groups.max() + 1))
    if drawn is None:  # the least of what would be too many, as no groups give about so many
        assert max(np.bincount(groups)) > MOST_CUT * count - count
        return
    assert LEAST_CUT * count <= len(drawn) <= max(MOST_CUT * count, 1)
    texts = [{text for i, row in enumerate(rows) if (i in drawn) is side for text in row if text} for side in (1, 0)]
    assert not texts[0] & texts[1]


def test_rows_without_shared_texts_are_drawn_one_by_one() -> None:
    order = np.random.default_rng(0).permutation(50)
    assert draw_groups(np.arange(50), 10, order).tolist() == sorted(order[:10].tolist())


def test_cut_keeps_rows_with_a_shared_text_together() -> None:
    """As in SciTail: each hypothesis stands with several premises; and one premise joins two of them."""
    rows = [{"first": f"p{i}", "second": f"The  h{i // 8}.", "label": f"c{i % 2}"} for i in range(400)]
    rows[8]["first"] = "P0!"
    task = read(rows)
    texts = {split: {words_of(row.parts[1]) for row in task.splits[split]} for split in SPLITS}
    assert all(not texts[one] & texts[other] for one, other in combinations(SPLITS, 2))
    where = {row.parts[0]: split for split in SPLITS for row in task.splits[split]}
    assert where["p0"] == where["P0!"]
    assert sum(len(task.splits[split]) for split in SPLITS) == 400
    assert 72 <= len(task.splits["test"]) <= 80 and 24 <= len(task.splits["dev"]) <= 32
    assert task.warnings == [] and task.details["share_text_with_train"] == {"dev": 0.0, "test": 0.0}
    assert read(rows) == task


def test_rows_that_all_hang_together_are_cut_one_by_one_with_a_warning() -> None:
    rows = [{"first": "one premise for all", "second": f"h{i}", "label": f"c{i % 2}"} for i in range(100)]
    task = read(rows)
    assert [len(task.splits[split]) for split in SPLITS] == [72, 8, 20]
    assert len(task.warnings) == 2
    assert task.warnings[0] == (
        "100 of 100 rows of train.parquet hang together by texts that they share, so test rows share texts with "
        "training rows, and their scores are too high"
    )


@pytest.mark.parametrize(
    ("kind", "columns", "row", "keys"),
    [
        ("classification", {"text": "t"}, {"t": "It's — GOOD_1"}, ["it s good 1"]),
        ("similarity", {}, {"first": "A.", "second": "b"}, ["a", "b"]),
        ("multiple_choice", {"question": "q", "choices": ["c", "d"]}, {"first": "X", "q": "Why"}, ["x"]),
        ("multiple_choice", {"first": ["one", "two"], "choices": "c"}, {"one": "X", "two": "y"}, ["x y"]),
        ("multiple_choice", {"first": ["q"], "question": "q", "choices": "c"}, {"q": "Why?"}, ["why why"]),
    ],
)
def test_keys_by_kind(kind: str, columns: dict[str, Any], row: dict[str, str], keys: list[str]) -> None:
    """The choices and the question are no shared texts: "none of these" and "What is the title?" are in many rows."""
    task = Task.model_validate({"kind": kind, "train": "f", "columns": columns})
    cells = {name: [text] for name, text in {**row, "c": "none of these", "d": "all"}.items()}
    table = Table("f", list(cells), cells, ["f: row 1"])
    assert [key.tolist() for key in part_keys(table, task)] == [[key] for key in keys]


def test_shares_with_train_and_their_warning() -> None:
    keys = {
        "train": columns([("a", "h1"), ("b", "h2")]),
        "dev": columns([("x", "h1"), ("y", "h2"), ("z", "h3"), ("a", "h4")]),
        "test": columns([("x", "h5"), ("", "h6")]),
    }
    shares = shares_with_train(keys)
    assert shares == {"dev": 0.75, "test": 0.0}
    (text,) = share_warnings({"dev": 0.98, "test": 0.0}, {"train": 1000, "dev": 100, "test": 400})
    assert text.startswith("98% of the dev rows and 0% of the test rows share a text with a training row")
    assert share_warnings({"dev": 0.98, "test": 0.9}, {"dev": 1000, "test": 1000}) == []  # less than 10 points
    assert share_warnings({"dev": 0.5, "test": 0.3}, {"dev": 20, "test": 20}) == []  # within the noise


def test_given_splits_that_differ_are_a_warning_and_stay_as_they_are() -> None:
    for split, hypotheses in (("train", 10), ("dev", 10), ("test", 100)):
        rows = [{"first": f"{split} {i}", "second": f"h{i % hypotheses}", "label": f"c{i % 2}"} for i in range(100)]
        if split == "test":
            rows = [{**row, "second": f"new {row['second']}"} for row in rows]
        pd.DataFrame(rows).to_parquet(f"{split}.parquet")
    files = {split: f"{split}.parquet" for split in SPLITS}
    task = read_task_files("mine", Task.model_validate({"kind": "entailment", **files}), str)
    assert [len(task.splits[split]) for split in SPLITS] == [100] * 3
    assert task.warnings[0].startswith("100% of the dev rows and 0% of the test rows share a text")


@pytest.mark.parametrize("name", ["rte", "mrpc"])
def test_real_tasks_are_cut_without_shared_texts(shared: Path, name: str) -> None:
    columns = {"first": "sentence1", "second": "sentence2"} if name == "mrpc" else {}
    columns = columns or {"first": "premise", "second": "hypothesis"}
    train = shared / "data/tasks" / name / "train.parquet"
    task = Task.model_validate({"kind": "similarity", "train": str(train), "columns": columns})
    data = read_task_files(name, task, str)
    assert data.details["share_text_with_train"] == {"dev": 0.0, "test": 0.0}
    rows = sum(map(len, data.splits.values()))
    assert abs(len(data.splits["test"]) - rows // 5) <= 2
