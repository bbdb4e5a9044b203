"""The n-gram model of the pre-training text on a task: one value of its log-probabilities, and a threshold or line.

    one text                 the mean log-probability of its tokens; only where there are two classes, or numbers
    pairs and choices        log P(second | first) - log P(second), the context taken as text directly before it;
                             or the mean log P(second | first) of its tokens

The value and the order of the model, 2 to 5, are chosen on dev. Where the order of two texts means nothing, both
orders are summed.

Shapes: R pairs or single texts, O orders from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from pretrace.baselines.answer import Answer, Trial, choose
from pretrace.baselines.fitted import one_feature_trial
from pretrace.baselines.kneser_ney import KneserNey
from pretrace.tasks.rows.dataset import TaskData
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.tasks.rows.kinds import KINDS


def has_form(task: TaskData) -> bool:
    """Return False for one text of more than two classes: a single number says too little of it."""
    rows = task.splits["train"]
    return len(rows[0].parts) > 1 or KINDS[task.kind].numeric or max(row.label for row in rows) <= 1


def ngram_answer(task: TaskData, encoded: Mapping[str, EncodedSplit], model: KneserNey) -> Answer:
    """Return the answers of the n-gram model.

    Args:
        task: one that the model has a form for.
        encoded: its rows as ids.
        model: of the pre-training text, with the vocabulary of these ids.
    """
    by_split = {split: values_of(rows, model, KINDS[task.kind].symmetric) for split, rows in encoded.items()}
    trials: list[Trial] = []
    for feature in by_split["train"]:
        for order in range(2, len(by_split["train"][feature]) + 1):
            values = {split: values[feature][order - 1] for split, values in by_split.items()}
            trials.append(one_feature_trial(task, values, {"feature": feature, "order": order}))
    return choose(task, trials)


def values_of(rows: EncodedSplit, model: KneserNey, symmetric: bool) -> dict[str, np.ndarray]:
    """Return the values of single texts, or of pairs: the first part with each other one; shape (O, R) by name."""
    texts = [rows.row(i) for i in range(len(rows))]
    if rows.parts == 1:
        first = [parts[0] for parts in texts]
        return {"mean log P(text)": _sums(model, first) / _lengths(first)}
    pairs = [(parts[0], other) for parts in texts for other in parts[1:]]
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    of_first, of_second = _sums(model, first), _sums(model, second)
    given = _sums(model, [np.concatenate(pair) for pair in pairs]) - of_first
    gain, mean = given - of_second, given / _lengths(second)
    if symmetric:
        turned = _sums(model, [np.concatenate(pair[::-1]) for pair in pairs]) - of_second
        gain, mean = gain + turned - of_first, mean + turned / _lengths(first)
    return {"log P(second | first) - log P(second)": gain, "mean log P(second | first)": mean}


def _sums(model: KneserNey, texts: list[np.ndarray]) -> np.ndarray:
    """Return the log-probability of each text, shape (O, R)."""
    ends = np.cumsum([len(text) for text in texts])
    logs = model.log_probabilities(np.concatenate(texts), ends)
    sums = np.concatenate([np.zeros((len(logs), 1)), np.cumsum(logs, axis=1)], axis=1)
    return np.stack([sums[:, end] - sums[:, start] for start, end in pairwise([0, *ends])], axis=1)


def _lengths(texts: list[np.ndarray]) -> np.ndarray:
    return np.array([max(1, len(text)) for text in texts])
