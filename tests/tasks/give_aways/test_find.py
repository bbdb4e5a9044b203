"""Rules: each finds the give-away that it is for, and nothing is found where labels are drawn at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pretrace.tasks.give_aways.find import find_give_aways, sentences
from pretrace.tasks.rows.dataset import Row, TaskData

WORDS = [a + b for a in ("ba", "de", "gi", "ko", "lu", "me", "no", "pa") for b in ("ras", "tem", "vil", "sem", "dur")]
ROWS = {"train": 300, "dev": 100, "test": 200}
Change = Callable[[list[str]], list[str]]


def text(random: np.random.Generator) -> list[str]:
    return [str(word) for word in random.choice(WORDS, random.integers(6, 12), replace=False)]


def made(kind: str, seed: int, part: int = 0, change: Change | None = None) -> TaskData:
    """Random text with random labels; `change` is made to a part of rows of label 1, or to the right choice."""
    random = np.random.default_rng(seed)
    parts = {"classification": 1, "multiple_choice": 5}.get(kind, 2)
    task = TaskData(kind, "pearson" if kind == "regression" else "accuracy", None)
    for split, count in ROWS.items():
        rows = []
        for number in range(count):
            texts = [text(random) for _ in range(parts)]
            label = int(random.integers(4 if kind == "multiple_choice" else 2))
            if change and kind == "multiple_choice":
                texts[label + 1] = change(texts[label + 1])
            elif change and label:
                texts[part] = change(texts[part])
            rows.append(Row(tuple(map(" ".join, texts)), label, f"{split}/{number // 3}"))
        task.splits[split] = rows
    return task


PLANTED: dict[str, Change] = {
    "adjacent repeats": lambda words: [*words[:3], words[2], *words[3:]],
    "lengths": lambda words: [*words, "some", "more", "of", "it"],
    "counts": lambda words: [*words[:3], ",", ",", *words[3:]],
    "first word": lambda words: ["so", *words[1:]],
    "last words": lambda words: [*words[:-1], "so"],
    "characters": lambda words: [word.replace("a", "o") for word in words],
}


def above(task: TaskData, probe: str | None = "follows") -> set[str]:
    return {found.rule for found in find_give_aways(task, probe) if found.above_chance}


@pytest.mark.parametrize("rule", PLANTED)
def test_rule_finds_its_give_away_in_a_text(rule: str) -> None:
    assert rule in above(made("classification", 1, change=PLANTED[rule]))


@pytest.mark.parametrize(
    ("kind", "part", "rule"),
    [
        ("entailment", 0, "first part alone"),
        ("entailment", 1, "second part alone"),
        ("regression", 1, "second part alone"),
        ("multiple_choice", 1, "choices alone"),
    ],
)
def test_rule_finds_its_give_away_in_a_part(kind: str, part: int, rule: str) -> None:
    found = above(made(kind, 2, part, lambda words: [*words[:2], "so", *words[2:]]))
    assert rule in found
    assert not found & ({"first part alone", "second part alone"} - {rule})


def test_characters_in_both_parts_are_found() -> None:
    task = made("similarity", 3)
    for split, rows in task.splits.items():
        task.splits[split] = [Row((r.parts[0], r.parts[0] if r.label else r.parts[1]), r.label, r.origin) for r in rows]
    assert "characters" in above(task)


def test_position_of_the_right_choice_is_found() -> None:
    task = made("multiple_choice", 4)
    for split, rows in task.splits.items():
        task.splits[split] = [Row(r.parts, 2 if i % 2 else r.label, r.origin) for i, r in enumerate(rows)]
    assert above(task) == {"position"}


@pytest.mark.parametrize("kind", ["classification", "entailment", "regression", "multiple_choice"])
def test_nothing_is_found_in_random_labels(kind: str) -> None:
    found = [above(made(kind, seed)) for seed in range(5, 10)]
    assert sum(map(bool, found)) <= 1  # of five, at one in a hundred: two or more in one of a thousand


def test_words_of_a_text_that_people_labeled_are_no_warning() -> None:
    task = made("classification", 1, change=PLANTED["last words"])
    assert "last words" in above(task, probe=None)
    assert not [s for s in sentences(find_give_aways(task)) if "last words" in s]
    (sentence,) = sentences(find_give_aways(task, "acceptability"))
    assert "last words" in sentence
    assert not sentences(find_give_aways(task, "source"))


def test_part_alone_is_a_warning_in_anyones_pairs() -> None:
    task = made("entailment", 2, 1, lambda words: [*words[:2], "so", *words[2:]])
    assert "second part alone" in sentences(find_give_aways(task))[0]


def test_too_few_rows_are_not_tried() -> None:
    task = made("classification", 1)
    task.splits["train"] = [row for row in task.splits["train"] if row.label]
    assert find_give_aways(task) == []
