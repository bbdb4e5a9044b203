"""TF-IDF: what can be told by words or characters is told, and what can not stays at chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pretrace.baselines.bag_of_words import bags_of
from pretrace.baselines.run import answers_of, scored_baselines
from pretrace.tasks.rows.dataset import Row, TaskData

WORDS = [f"w{number}" for number in range(60)]
TERMS = ("words", "characters", "words and characters")
SIZES = (("train", 200), ("dev", 60), ("test", 90))


def scored(task: TaskData) -> dict[str, dict[str, Any]]:
    return {name: score.as_json() for name, score in scored_baselines(task, answers_of(task)).items()}


def sentence(random: np.random.Generator, *extra: str) -> str:
    return " ".join([*random.choice(WORDS, 6), *extra])


def task_of(kind: str, tells: bool, metric: str = "accuracy") -> TaskData:
    """Rows whose label a word tells (for pairs and choices: the same words in both), or nothing."""
    random = np.random.default_rng(0)
    splits = {}
    for split, size in SIZES:
        rows = []
        for _ in range(size):
            label = int(random.random() < 0.6) if kind != "multiple_choice" else int(random.integers(4))
            told = label if tells else int(random.integers(4 if kind == "multiple_choice" else 2))
            if kind == "multiple_choice":
                context = sentence(random)
                right = " ".join(reversed(context.split()))
                parts = (context, *(right if i == told else sentence(random) for i in range(4)))
            elif kind == "classification":
                parts = (sentence(random, "good" if told else "bad"),)
            else:
                first = sentence(random)
                parts = (first, " ".join(reversed(first.split())) if told else sentence(random))
            rows.append(Row(parts, label + 0.5 if kind == "regression" else label))
        splits[split] = rows
    return TaskData(kind, metric, None, splits)


KINDS = {
    "classification": "accuracy",
    "entailment": "matthews",
    "similarity": "f1",
    "regression": "pearson",
    "multiple_choice": "accuracy",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_tfidf_learns_from_words(kind: str) -> None:
    found = scored(task_of(kind, tells=True, metric=KINDS[kind]))
    assert found["tfidf"]["score"] > 0.9
    assert found["tfidf"]["score"] > found["majority"]["score"] + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_tfidf_is_at_chance_on_random_labels(kind: str) -> None:
    task = task_of(kind, tells=False, metric=KINDS[kind])
    found = scored(task)
    chance = {"entailment": 0.0, "regression": 0.0, "multiple_choice": 0.25}.get(kind, found["majority"]["score"])
    assert abs(found["tfidf"]["score"] - chance) < 0.25


@pytest.mark.parametrize("kind", ["classification", "similarity", "multiple_choice"])
def test_majority_is_that_of_train(kind: str) -> None:
    task = task_of(kind, tells=True)
    labels = {split: [row.label for row in rows] for split, rows in task.splits.items()}
    most = max(range(4), key=labels["train"].count)
    score = labels["test"].count(most) / 90
    expected = {"score": round(score, 6), "stderr": round((score * (1 - score) / 90) ** 0.5, 6)}
    assert {key: scored(task)["majority"][key] for key in expected} == expected


@pytest.mark.slow
def test_constant_prediction_has_no_correlation() -> None:
    for kind, metric in (("regression", "pearson"), ("regression", "spearman"), ("entailment", "matthews")):
        assert scored(task_of(kind, tells=True, metric=metric))["majority"]["score"] == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_baselines_are_deterministic(kind: str) -> None:
    one, other = (scored(task_of(kind, tells=True, metric=KINDS[kind])) for _ in range(2))
    assert one == other
    assert list(one) == ["majority", "tfidf"]
    for numbers in one.values():
        assert all(numbers[key] == round(numbers[key], 6) for key in ("score", "stderr"))


def test_order_of_a_symmetric_pair_changes_nothing() -> None:
    task = task_of("similarity", tells=True)
    turned = {split: [Row(row.parts[::-1], row.label) for row in rows] for split, rows in task.splits.items()}
    assert scored(TaskData("similarity", "accuracy", None, turned))["tfidf"] == scored(task)["tfidf"]


@pytest.mark.parametrize("kind", KINDS)
def test_tfidf_without_shared_words_is_the_majority(kind: str) -> None:
    """A few rows of one's own: no word stands in two of them, and some have no words at all."""
    parts = {"classification": 1, "multiple_choice": 3}.get(kind, 2)
    splits = {
        split: [Row(tuple(f"{split}{i}x{j}" if i else "" for j in range(parts)), i % 2) for i in range(4)]
        for split, _ in SIZES
    }
    found = scored(TaskData(kind, KINDS[kind], None, splits))
    assert all(np.isfinite(numbers[key]) for numbers in found.values() for key in ("score", "stderr"))


def test_tfidf_samples_rows_of_too_much_text(monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_of("multiple_choice", tells=True)
    whole = scored(task)["tfidf"]["score"]
    assert scored(task)["tfidf"]["train_rows"] is None
    assert {one["settings"]["terms"] for one in scored(task)["tfidf"]["candidates"]} == set(TERMS)
    # Six words in the context, four times, and in each of four choices.
    monkeypatch.setattr("pretrace.baselines.bag_of_words.MOST_WORDS", 48 * 100)
    found = scored(task)["tfidf"]
    assert found["score"] == pytest.approx(whole, abs=0.2)
    assert 95 <= found["train_rows"] <= 100
    assert len(task.splits["train"]) == 200


def test_characters_see_what_words_do_not() -> None:
    """No word is in both parts, but a stem is: array, arrays."""
    random = np.random.default_rng(0)
    stems = ["".join(random.choice(list("abcdefghijklmnop"), 6)) for _ in range(300)]

    def row() -> Row:
        label, (one, two, other) = int(random.integers(2)), random.choice(stems, 3, replace=False)
        return Row((f"{one} {two}", f"{one if label else other}s"), label)

    task = TaskData("entailment", "accuracy", None, {split: [row() for _ in range(size)] for split, size in SIZES})
    found = scored(task)["tfidf"]
    assert found["score"] > 0.85
    assert found["chosen"]["settings"]["terms"] != "words"
    by_words = [one["dev"] for one in found["candidates"] if one["settings"]["terms"] == "words"]
    assert max(by_words) < found["chosen"]["dev"] - 0.1


@pytest.mark.parametrize("kind", ["classification", "multiple_choice"])
def test_rows_of_both_are_those_of_fewer(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows with words and rows with characters are limited apart; the features of both are of the same rows."""
    monkeypatch.setattr("pretrace.baselines.bag_of_words.MOST_CHARACTERS", 2500)
    task = task_of(kind, tells=True)
    words, characters, both = bags_of(task)
    assert len(both.train) == len(characters.train) < len(words.train) == 200
    assert set(both.train) <= set(words.train)
    each = both.features["train"].shape[0] // len(both.train)
    last = (both.train[-1] + 1) * each - 1
    wide = words.features["train"].shape[1]
    assert (both.features["train"][-1, :wide] != words.features["train"][last]).nnz == 0
    assert (both.features["train"][-1, wide:] != characters.features["train"][-1]).nnz == 0
