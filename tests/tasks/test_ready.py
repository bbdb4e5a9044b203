"""Ready tasks: each reads its publisher's files and the Hub's copy, to the same rows; suites switch them on."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings import OVERRIDES, ReadySource, Settings, load_settings, read_yaml, ready_names, with_ready
from pretrace.settings.experiment import Task
from pretrace.settings.section import checked
from pretrace.tasks.read_task import read_task_files
from pretrace.tasks.rows.dataset import TaskData
from tests.helpers import REPOSITORY, published_choices
from tests.helpers import published_files as published

PAPER = {
    "cola": 45.4,
    "sst2": 91.3,
    "mrpc": 82.3,
    "stsb": 82.0,
    "qqp": 70.3,
    "mnli_m": 82.1,
    "mnli_mm": 81.4,
    "qnli": 88.1,
    "rte": 56.0,
    "snli": 89.9,
    "scitail": 88.3,
    "race": 59.0,
    "story_cloze": 86.5,
}
"""Tables 2 to 4 of the paper."""


def task(name: str, source: str = "files", **own: Any) -> Task:
    ready = ReadySource(source=source, folder="published")
    return checked(Task, with_ready("mine", {"ready": name, **own}, ready), "params.yaml")


def is_on_the_hub(name: str) -> bool:
    """Return True if a commit of a copy is named."""
    try:
        return bool(task(name, "huggingface"))
    except PretraceError:
        return False


ON_THE_HUB = [name for name in ready_names() if is_on_the_hub(name)]


def plain(data: TaskData) -> dict[str, list[tuple[Any, ...]]]:
    return {split: [(row.parts, row.label) for row in rows] for split, rows in data.splits.items()}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    published.write_published(tmp_path / "published")
    published_choices.write_choices(tmp_path / "published")
    return tmp_path / "published"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hub that has the rows of `published_files`, at the revision that is asked for."""
    names = {"nyu-mll/glue": None, "stanfordnlp/snli": "snli", "allenai/scitail": "scitail", "ehovy/race": "race"}

    def load_dataset(name: str, config: str, split: str, revision: str, streaming: bool) -> Any:
        assert len(revision) == 40
        if (name, config) in published_choices.ON_THE_HUB:
            return iter(published_choices.hub_rows(published_choices.ON_THE_HUB[name, config], split))
        which = names[name] or {"mnli": "mnli_m"}.get(config, config)
        return iter(published.hub_rows(which, split))

    module = ModuleType("datasets")
    module.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)


def test_ready_tasks_are_those_of_the_paper() -> None:
    cards = {name: task(name).card for name in ready_names()}
    assert {name: card.paper.score for name, card in cards.items() if card.paper} == PAPER


@pytest.mark.parametrize("name", ready_names())
def test_ready_task_has_its_card(name: str) -> None:
    entry = task(name)
    assert entry.card.source.startswith("http")
    assert all((entry.card.license, entry.card.version, entry.card.split))
    assert entry.card.not_comparable or not entry.card.paper
    assert all(count > 50 for count in entry.card.sizes.values())
    assert bool(entry.overrides) == bool(entry.because)  # the paper's recipe, or a reason
    assert set(entry.overrides) <= set(OVERRIDES)


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_THE_HUB)
def test_ready_task_has_the_same_rows_from_files_and_hub(name: str, files: Path, hub: None) -> None:
    found = read_task_files(name, task(name), str)
    copy = read_task_files(name, task(name, "huggingface"), str)
    assert found.labels == copy.labels
    assert plain(found) == plain(copy)
    assert [row.parts for row in found.unlabeled] == [row.parts for row in copy.unlabeled]
    assert [row.origin for row in found.unlabeled] == [row.origin for row in copy.unlabeled]
    assert len(found.unlabeled) == (published.ROWS if task(name).unlabeled else 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(published.LABELS))
def test_ready_labels_have_names(name: str, files: Path) -> None:
    found = read_task_files(name, task(name), str)
    assert sorted(found.labels) == sorted(published.LABELS[name])
    if task(name).positive:
        assert found.labels[1] == task(name).positive
    whole = task(name).card.split.startswith("A tenth of train")
    sizes = [len(found.splits[split]) for split in ("train", "dev", "test")]
    assert sizes == ([5, 1, 6] if whole else [6, 6, 6])
    for split in found.splits:
        for row in found.splits[split]:
            number = int(row.parts[0].split()[-1])
            assert found.labels[int(row.label)] == published.label(name, number)
            assert len(row.parts) == published.PARTS.get(name, 2)


def test_ready_rows_left_out_are_counted(files: Path) -> None:
    assert read_task_files("snli", task("snli"), str).details["left_out"] == {"label -": 3}
    assert sum(read_task_files("qqp", task("qqp"), str).details["left_out"].values()) == 2


def test_stsb_labels_keep_their_scale(files: Path) -> None:
    found = read_task_files("stsb", task("stsb"), str)
    assert [row.label for row in found.splits["test"]] == pytest.approx([0, 0.9, 1.8, 2.7, 3.6, 4.5])
    assert task("stsb").overrides == {"soft_classes": 6}


def test_race_question_has_its_passage(files: Path) -> None:
    row = read_task_files("race", task("race"), str).splits["test"][4]
    assert row.parts[0] == 'test "article 1 test "question 4'
    assert row.parts[1:] == tuple(f'test "option {option} 4' for option in range(4))
    assert (row.label, row.origin) == (0, "published/RACE/test/middle/1.txt:2")


@pytest.mark.parametrize("damage", ["{", '{"article": "x"}', "[]", '{"article": 1, "questions": [1], "options": []}'])
def test_race_file_that_is_malformed_is_named(damage: str, files: Path) -> None:
    (files / "RACE" / "dev" / "high" / "1.txt").write_text(damage)
    with pytest.raises(PretraceError, match=r"^published/RACE/dev/high/1\.txt: takes a JSON object with article, "):
        read_task_files("race", task("race"), str)
    shutil.rmtree(files / "RACE" / "dev" / "high")
    shutil.rmtree(files / "RACE" / "dev" / "middle")
    with pytest.raises(PretraceError, match=r"^published/RACE/dev: has no rows"):
        read_task_files("race", task("race"), str)


def test_story_cloze_is_split_as_in_the_released_code(files: Path) -> None:
    import numpy as np

    right = published.write_stories(files / "StoryCloze", 1871)
    found = read_task_files("story_cloze", task("story_cloze"), str)
    assert [len(rows) for rows in found.splits.values()] == [1497, 374, 1871]
    order = np.random.RandomState(3535999445).permutation(1871)  # what its library draws, written out
    numbers = [int(row.origin.rpartition(":")[2]) - 1 for row in found.splits["dev"]]
    assert numbers == order[:374].tolist()
    row = found.splits["dev"][0]
    assert row.parts == (" ".join(f"val {numbers[0]}, {s}." for s in "abcd"), "one", "two")
    assert row.label == right[numbers[0]] - 1


def test_story_cloze_is_not_on_the_hub() -> None:
    with pytest.raises(PretraceError, match=r"story_cloze from ready\.source: huggingface: the Hub has no copy"):
        task("story_cloze", "huggingface")


def test_own_settings_win_over_the_ready_task(files: Path) -> None:
    own = task("cola", epochs=5, train_rows=3, columns={"label": "mark"})
    assert (own.epochs, own.train_rows, own.columns.label, own.columns.text) == (5, 3, "mark", "sentence")
    mine = task("cola", train="mine.csv", test="test.csv")
    assert (mine.train, mine.unlabeled, mine.column_names, mine.columns.text) == ("mine.csv", None, None, "text")
    assert (mine.metric, mine.positive, mine.card.rows) == ("matthews", "acceptable", "own")


def test_unknown_ready_task_is_refused() -> None:
    with pytest.raises(
        PretraceError, match=r"tasks\.mine\.ready: got 'colla'; takes one of arc_challenge, arc_easy, boolq, "
    ):
        task("colla")


@pytest.mark.slow
def test_suites_replace_the_tasks(tmp_path: Path) -> None:
    from dvc.utils.hydra import apply_overrides

    for name in ("scales", "systems"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    params = read_yaml(REPOSITORY / "params.yaml")
    for suite, entries in params["suites"].items():
        shutil.copy(REPOSITORY / "params.yaml", tmp_path)
        apply_overrides(tmp_path / "params.yaml", [f"tasks=${{suites.{suite}}}"])
        settings: Settings = load_settings(tmp_path)
        assert list(settings.tasks) == list(entries)
        assert all(entry.card for entry in settings.tasks.values())
    assert sorted(params["suites"]["paper"]) == sorted(PAPER)
    assert {name for entries in params["suites"].values() for name in entries} == set(ready_names())


def test_ready_tasks_of_gpt3_are_on_the_hub_but_for_two() -> None:
    assert set(published_choices.FILES) <= set(ON_THE_HUB)
    assert {name for name in ready_names() if name not in ON_THE_HUB} == {"story_cloze", "winograd"}
