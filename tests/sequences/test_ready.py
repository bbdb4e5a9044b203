"""Ready tasks from text to text: each is whole, and its prompt is there."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.sequences.read import read_sequences
from pretrace.settings.prompts.prompt import prompt_of_task
from pretrace.settings.ready import SEQUENCES, ReadySource, ready_names, with_ready
from pretrace.settings.sequences.task import SequenceTask
from tests.helpers import REPOSITORY


@pytest.mark.parametrize("name", ready_names(SEQUENCES))
def test_ready_task_has_files_a_prompt_and_a_card(name: str) -> None:
    task = SequenceTask.model_validate(with_ready("mine", {"ready": name}, ReadySource(), SEQUENCES))
    assert str(task.test).startswith("data/published/")
    assert task.card is not None and task.card.rows == "files"
    assert prompt_of_task("mine", "sequence", task.prompt, REPOSITORY)[1].write is not None


def test_own_files_take_the_place_of_published_ones() -> None:
    own = {"ready": "nq_open", "test": "mine.parquet", "columns": {"source": "q", "target": "a"}}
    task = SequenceTask.model_validate(with_ready("mine", own, ReadySource(), SEQUENCES))
    assert (task.test, task.train, task.metric) == ("mine.parquet", None, "exact_match")


def test_unknown_name_and_source_are_said() -> None:
    with pytest.raises(PretraceError, match=r"sequences\.mine\.ready: got 'none'; takes one of .*coqa"):
        with_ready("mine", {"ready": "none"}, ReadySource(), SEQUENCES)
    with pytest.raises(PretraceError, match=r"sequences\.mine: coqa from ready\.source: huggingface: no commit"):
        with_ready("mine", {"ready": "coqa"}, ReadySource(source="huggingface"), SEQUENCES)


HUB_ROWS: dict[str, dict[str, Any]] = {
    "rajpurkar/squad_v2": {"context": "c", "question": "q", "answers": {"text": ["x", "y"], "answer_start": [0, 1]}},
    "google-research-datasets/nq_open": {"question": "q", "answer": ["x", "y"]},
    "stanfordnlp/web_questions": {"url": "u", "question": "q", "answers": ["x", "y"]},
    "abisee/cnn_dailymail": {"article": "q", "highlights": "x", "id": "1"},
}


@pytest.mark.parametrize("name", ["squad2", "nq_open", "webquestions", "cnn_dailymail"])
def test_ready_task_is_read_from_the_hub(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(dataset: str, config: str | None, split: str, revision: str, streaming: bool) -> Any:
        assert len(revision) == 40 and split in ("train", "validation", "test")
        key = "article" if dataset == "abisee/cnn_dailymail" else "question"
        return iter([{**HUB_ROWS[dataset], key: f"{split} {number}"} for number in range(20)])

    module = ModuleType("datasets")
    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    source = ReadySource(source="huggingface")
    task = SequenceTask.model_validate(with_ready("mine", {"ready": name}, source, SEQUENCES))
    splits = read_sequences("mine", task).splits
    assert [len(rows) for rows in splits.values()] == [18, 2, 20]
    expected = ("x",) if name == "cnn_dailymail" else ("x", "y")
    assert all(row.targets == expected for rows in splits.values() for row in rows)
    assert {row.context for row in splits["test"]} == {"c" if name == "squad2" else ""}
