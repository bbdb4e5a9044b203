"""Dev and test rows that are nearly the same as a training row."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pretrace.schemas.tasks import NearDuplicates
from pretrace.tasks.rows.dataset import Row
from pretrace.tasks.splits import near_duplicates as module
from pretrace.tasks.splits.near_duplicates import SIMILARITY, near_duplicate_warnings, near_duplicates
from pretrace.tasks.splits.shared_parts import words_of

WORDS = [f"w{number}" for number in range(2000)]


def texts(count: int, seed: int, words: int = 10) -> list[str]:
    generator = random.Random(seed)
    return [" ".join(generator.choices(WORDS, k=words)) for _ in range(count)]


def rows(split: str, *parts: list[str]) -> list[Row]:
    return [Row(own, 0, f"{split}.csv:{number}") for number, own in enumerate(zip(*parts, strict=True), 1)]


def found_by_all_pairs(test: list[Row], train: list[Row]) -> int:
    """The count without MinHash, of single texts."""

    def pairs(text: str) -> set[Any]:
        words = words_of(text).split()
        return set(pairwise(words))

    sets = [pairs(row.parts[0]) for row in train]
    near = 0
    for row in test:
        own = pairs(row.parts[0])
        same = (len(own & other) / len(own | other) >= SIMILARITY and own != other for other in sets)
        near += any(same)
    return near


def test_rows_with_one_other_word_are_found_and_equal_ones_are_not() -> None:
    train, test = texts(300, 1), texts(100, 2)
    test[7] = train[3].rsplit(" ", 1)[0] + " other"  # 8 of 10 pairs of words
    test[8] = train[5].replace(" ", ",  ").upper()  # equal: counted as overlap
    test[9] = " ".join([*train[4].split()[:5], "a", "b", "c", "d", "e"])  # half of it
    splits = {"train": rows("train", train), "dev": rows("dev", texts(50, 3)), "test": rows("test", test)}
    found = near_duplicates("mine", "classification", splits)
    assert found["test"] == NearDuplicates(rows=1, of=100, train_rows=300, examples=[["test.csv:8", "train.csv:4"]])
    assert found["dev"].rows == 0
    assert near_duplicate_warnings(found) == [
        "1 of 100 test rows are nearly the same as one of 300 training rows, such as test.csv:8 as train.csv:4"
    ]


def test_count_is_that_of_all_pairs() -> None:
    """The oracle compares all pairs; MinHash may miss one in a thousand at the threshold."""
    generator, train = random.Random(0), texts(200, 5)
    test = []
    for text in generator.choices(train, k=200):
        words = text.split()
        for place in generator.sample(range(10), generator.randint(0, 4)):
            words[place] = generator.choice(WORDS)
        test.append(" ".join(words))
    splits = {"train": rows("train", train), "dev": rows("dev", train), "test": rows("test", test)}
    found = near_duplicates("mine", "classification", splits)
    expected = found_by_all_pairs(splits["test"], splits["train"])
    assert expected > 20
    assert abs(found["test"].rows - expected) <= 1
    assert found["dev"].rows == 0  # all equal


def test_every_part_has_to_be_nearly_the_same() -> None:
    """Rows with one long premise and different hypotheses share a text, but are different rows."""
    premise, one, other = texts(1, 1, 60)[0], *texts(2, 2, 5)
    changed = f"{premise} more"
    train = rows("train", [premise], [one])
    far, near = rows("test", [changed], [other]), rows("test", [changed], [f"{one} more"])
    crossed = rows("dev", [f"{one} more"], [changed])
    counts = {}
    for kind in ("entailment", "similarity"):
        for split, own in (("test", far), ("test", near), ("dev", crossed)):
            splits = {"train": train, "dev": train, "test": train, split: own}
            counts[kind, own[0].parts[0][:9] == premise[:9], own is near] = near_duplicates("m", kind, splits)[
                split
            ].rows
    assert counts["entailment", True, False] == counts["similarity", True, False] == 0
    assert counts["entailment", True, True] == counts["similarity", True, True] == 1
    assert (counts["entailment", False, False], counts["similarity", False, False]) == (0, 1)


def test_order_of_choices_means_nothing() -> None:
    context, a, b = texts(3, 4)
    train, test = rows("train", [context], [a], [b]), rows("test", [f"{context} more"], [b], [a])
    splits = {"train": train, "dev": train, "test": test}
    assert near_duplicates("mine", "multiple_choice", splits)["test"].rows == 1


def test_large_tasks_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", {"train": 100, "dev": 10, "test": 20})
    splits = {split: rows(split, texts(150, seed)) for seed, split in enumerate(("train", "dev", "test"))}
    found = near_duplicates("mine", "classification", splits)
    assert found == near_duplicates("mine", "classification", splits)
    assert [(one.of, one.train_rows) for one in found.values()] == [(10, 100), (20, 100)]


def test_rows_of_one_template_are_not_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are candidates of all; nearly all words are the same, so the first candidate already decides."""
    compared: list[bool] = []
    plain = module._nearly_same
    monkeypatch.setattr(module, "_nearly_same", lambda *rows: compared.append(plain(*rows)) or compared[-1])
    made = [f"the value of item {number} in the table of all items of the shop" for number in range(2000)]
    splits = {"train": rows("train", made[:1500]), "dev": rows("dev", made[1500:1600]), "test": rows("t", made[1600:])}
    assert near_duplicates("mine", "classification", splits)["test"].rows == 400
    assert len(compared) <= 2 * 500  # of 750,000 pairs


def test_real_rows(shared: Path) -> None:
    """MRPC's test rows are from the same news as its training rows."""
    tables = {s: pd.read_parquet(shared / f"data/tasks/mrpc/{s}.parquet") for s in ("train", "dev", "test")}
    splits = {s: rows(s, t["sentence1"].tolist(), t["sentence2"].tolist()) for s, t in tables.items()}
    found = near_duplicates("mrpc", "similarity", splits)
    assert 0 < found["test"].rows < 100
