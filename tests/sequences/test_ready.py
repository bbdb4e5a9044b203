"""Ready tasks from text to text: each is whole, and its prompt is there."""

from __future__ import annotations

import pytest

from pretrace.common.errors import PretraceError
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
