"""Texts that several rows share, such as one hypothesis of ten premises, and which would tie two splits together.

A row whose hypothesis was in training is easier than one whose hypothesis is new. So rows that share a text belong to
one group, and dev and test rows are cut from train by whole groups. Two texts are the same here if their letters and
digits are, whatever their case, spacing and punctuation.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from pretrace.common.missing import is_missing
from pretrace.corpus.readers.tables.table import Table
from pretrace.settings import Task
from pretrace.tasks.rows.kinds import KINDS

NOT_WORD = re.compile(r"[\W_]+")
LEAST_CUT, MOST_CUT = 0.5, 1.5
"""A cut by groups has at least and at most so many times the rows that were asked for (ours)."""
LEAST_DIFFERENCE = 0.1
"""Difference between the shares of dev and of test rows below which nothing is said (ours)."""


def words_of(text: Any) -> str:
    """Return a text's words in lower case, without punctuation, separated by a space."""
    return NOT_WORD.sub(" ", str(text).casefold()).strip()


def part_keys(table: Table, task: Task) -> list[np.ndarray]:
    """Return the texts of rows that other rows may share, as `words_of` gives them: arrays of shape `(rows,)`.

    A text to classify; the first and the second of a pair; the context of choices, or that of a question, whose answers
    many rows may have.

    Raises:
        PretraceError: a column is missing.
    """
    columns, kind = task.columns, KINDS[task.kind]
    fields = kind.fields(columns)
    context = [name for name in fields.context if name != columns.question]
    answered = kind.chooses or columns.question is not None
    parts = [context or list(fields.context)] + ([] if answered else [[name] for name in fields.others])
    known: dict[str, str] = {}  # a text that is in many rows is looked at once

    def key(texts: tuple[Any, ...]) -> str:
        text = " ".join("" if is_missing(text) else str(text) for text in texts)
        if text not in known:
            known[text] = words_of(text)
        return known[text]

    cells = ([table.column(name) for name in names] for names in parts)
    return [np.array([key(texts) for texts in zip(*columns, strict=True)], object) for columns in cells]


def group_numbers(keys: list[np.ndarray]) -> np.ndarray:
    """Return the group of each row, shape `(rows,)`: rows with a text in common, directly or through others.

    Groups are numbered from 0 in the order of their first rows. A text without a letter or digit joins no rows.
    """
    import pandas as pd
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = len(keys[0])
    texts, _ = pd.factorize(np.concatenate(keys))
    owners = np.tile(np.arange(rows), len(keys))
    joins = np.concatenate(keys) != ""
    size = rows + int(texts.max(initial=-1)) + 1
    edges = (np.ones(int(joins.sum()), np.int8), (owners[joins], rows + texts[joins]))
    _, labels = connected_components(coo_array(edges, shape=(size, size)), directed=False)
    return pd.factorize(labels[:rows])[0]


def draw_groups(groups: np.ndarray, count: int, order: np.ndarray) -> np.ndarray | None:
    """Return the numbers of `count` rows or about as many, in whole groups, taken in `order`; ascending.

    None if no groups have about so many rows, because most rows are in one. Where no two rows share a text, these are
    the first `count` rows in `order`.

    Args:
        groups: the group of each row, as `group_numbers` gives them.
        order: a permutation of the groups.
    """
    sizes = np.bincount(groups)
    drawn, taken = [], 0
    for group in order:
        if taken + sizes[group] <= count:
            drawn.append(group)
            taken += sizes[group]
    if taken < LEAST_CUT * count:
        left = np.setdiff1d(order, np.array(drawn, order.dtype))
        smallest = left[np.argmin(sizes[left])]
        if taken + sizes[smallest] > max(MOST_CUT * count, 1):
            return None
        drawn.append(smallest)
    return np.flatnonzero(np.isin(groups, drawn))


def shares_with_train(keys: dict[str, list[np.ndarray]]) -> dict[str, float]:
    """Return the share of the dev rows, and of the test rows, that have a text in common with a training row."""
    train = {key for part in keys["train"] for key in part if key}
    shared = {
        split: np.any([[key in train for key in part] for part in keys[split]], axis=0) for split in ("dev", "test")
    }
    return {split: round(float(rows.mean()), 4) for split, rows in shared.items()}


def share_warnings(shares: dict[str, float], rows: dict[str, int]) -> list[str]:
    """Return a sentence if dev and test differ in what they share with train: by 10 points, beyond the noise."""
    dev, test = shares["dev"], shares["test"]
    error = math.sqrt(sum(shares[split] * (1 - shares[split]) / rows[split] for split in shares))
    if abs(dev - test) <= max(LEAST_DIFFERENCE, 2 * error):
        return []
    return [
        f"{dev:.0%} of the dev rows and {test:.0%} of the test rows share a text with a training row: what is best on "
        "dev need not be best on test"
    ]
