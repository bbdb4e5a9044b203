"""Test rows planted in the training text are found, and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pretrace.corpus.documents import Document, write_documents
from pretrace.evaluation.prompts.clean_rows import find_clean_rows
from pretrace.evaluation.prompts.lines import few_shot_lines
from pretrace.evaluation.prompts.run import few_shot, open_vocabulary, read_prompt_tasks
from pretrace.evaluation.prompts.tasks import PromptTask
from pretrace.settings import load_settings
from pretrace.tasks.rows.dataset import write_rows
from tests.helpers.prompt_project import change, tasks_of


def read_films() -> PromptTask:
    settings = load_settings()
    vocabulary, context = open_vocabulary(settings, Path())
    return read_prompt_tasks(settings, ["films"], vocabulary, context, Path())[0]


def plant(texts: list[str]) -> Path:
    folder = Path("data/clean/train")
    write_documents(folder, [Document(str(n), "s", text) for n, text in enumerate(texts)])
    return folder


@pytest.fixture
def films(prompts: Path) -> PromptTask:
    for part in (prompts / "data/clean/train").glob("*"):
        part.unlink()
    task = tasks_of()["films"]
    for split, rows in task.splits.items():
        words = ("it was", "the best", "of times", "there were", "others.")
        task.splits[split] = [
            replace(row, parts=(" ".join(f"{split}{n} {two}" for two in words[: 3 + n % 3]),))
            for n, row in enumerate(rows)
        ]
    write_rows(prompts / "data/tasks/films", task)
    return read_films()


def test_planted_rows_are_found_in_any_case_and_punctuation(films: PromptTask) -> None:
    numbers = films.numbers["test"].tolist()
    planted = next(number for number in numbers if number % 3 == 2)
    text = films.data.splits["test"][planted].parts[0].upper().replace(" ", ", ")
    clean = find_clean_rows([films], plant(["Nothing of it here.", f"Before it. {text} And after it."]))["films"]
    assert [number for number, own in zip(numbers, clean.clean_N, strict=True) if not own] == [planted]
    assert (clean.words, clean.too_short) == (9, 0)


def test_nothing_planted_is_nothing_found(films: PromptTask) -> None:
    clean = find_clean_rows([films], plant(["It was another text, and has none of the rows in it at all, not one."]))
    assert clean["films"].clean_N.all()


@pytest.mark.slow
def test_clean_score_is_of_the_rows_that_were_not_found(films: PromptTask) -> None:
    change(Path(), few_shot={"tasks": ["films"], "shots": [0, 1], "seeds": [1], "rows": None, "dev_rows": None})
    row = films.data.splits["test"][2]
    plant(["Nothing of it here, as there is none of the rows' words in a row in this text."])
    before = few_shot(load_settings()).tasks["films"]
    assert before.contamination is not None and before.contamination.found == 0
    assert [shot.clean_score for shot in before.shots] == [shot.score for shot in before.shots]
    plant([row.parts[0]])
    report = few_shot(load_settings())
    after = report.tasks["films"]
    assert after.contamination is not None and after.contamination.found == 1
    assert after.shots[0].score == before.shots[0].score
    assert any("share 9 words in a row with the training text" in line for line in few_shot_lines(report))
    change(Path(), few_shot={"tasks": ["films"], "shots": [0], "contamination": False})
    assert few_shot(load_settings()).tasks["films"].contamination is None
    assert after.shots[1].clean_score is not None
