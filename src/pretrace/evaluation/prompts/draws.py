"""Which training rows are the examples of a row: a pure function of (seed, row), and never the row itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from pretrace.tasks.rows.dataset import Row
from pretrace.tasks.rows.draws import generator_for


class ExamplePool:
    """Training rows that examples are drawn from.

    Args:
        task: its name, a part of every draw.
        key: what two rows have in common if they are the same example (`TaskKind.row_key`).
        classes: class of each row, to draw equally many of each; None: as they come.
    """

    def __init__(
        self,
        task: str,
        rows: Sequence[Row],
        key: Callable[[tuple[str, ...]], tuple[str, ...]],
        classes: np.ndarray | None = None,
    ) -> None:
        self.task, self.rows, self._key, self._classes = task, rows, key, classes
        self._same: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, row in enumerate(rows):
            self._same[key(row.parts)].append(number)

    def draw(self, row: Row, split: str, number: int, seed: int, count: int) -> list[int]:
        """Return the numbers of at most `count` training rows without the same text, the nearest to the row first.

        A smaller `count` gives the first of the same numbers, so curves over it compare like with like.

        Args:
            split: of the row.
            number: of the row in it.
        """
        random = generator_for("few-shot", self.task, split, str(seed), str(number))
        order_N = random.permutation(len(self.rows))
        same = self._same.get(self._key(row.parts), [])
        order_N = order_N[~np.isin(order_N, same)] if same else order_N
        if self._classes is not None:
            order_N = _balanced(order_N, self._classes[order_N], random)
        return [int(index) for index in order_N[:count]]


def _balanced(order_N: np.ndarray, classes_N: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return numbers so that any beginning has as many of each class, up to one; the order of classes is drawn."""
    _, class_N, counts = np.unique(classes_N, return_inverse=True, return_counts=True)
    within_N = np.zeros(len(order_N), np.int64)
    for index, count in enumerate(counts):
        within_N[class_N == index] = np.arange(count)
    return order_N[np.lexsort((random.random(len(order_N)), within_N))]
