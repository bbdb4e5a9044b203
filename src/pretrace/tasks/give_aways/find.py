"""The rules tried on a task: fitted on train rows, scored on dev and test rows; nothing is chosen by the result."""

from __future__ import annotations

import numpy as np

from pretrace.schemas.tasks import GiveAway
from pretrace.tasks.give_aways.chance import above_chance, above_equal_shares, holm
from pretrace.tasks.give_aways.rules import Rule, Texts, rules_for
from pretrace.tasks.rows.dataset import Row, TaskData
from pretrace.tasks.rows.draws import generator_for
from pretrace.tasks.rows.kinds import KINDS

LEVEL = 0.01
"""Probability that any rule of a task is called above chance where none is: p values are Holm's (ours)."""
MOST_ROWS = 3000
"""Train rows that rules are fitted on, and dev and test rows that they answer: some seconds a task (ours)."""
STYLE = frozenset({"source"})
"""Probes that ask for the style of a text, which such rules may see."""
POSITION = "position"


def find_give_aways(task: TaskData, probe: str | None = None) -> list[GiveAway]:
    """Return how each rule does on a task's rows; nothing if there are too few.

    Args:
        probe: name of the probe; None for rows that people made.
    """
    fit = _some(task.splits["train"])
    answer = _some([*task.splits["dev"], *task.splits["test"]])
    if len({row.label for row in fit}) < 2 or len(answer) < 2:
        return []
    choices = len(fit[0].parts) - 1 if KINDS[task.kind].chooses else 0
    labels, documents = np.array([row.label for row in answer]), [row.origin or str(i) for i, row in enumerate(answer)]
    rules = rules_for(2 if choices else len(fit[0].parts), bool(choices))
    names = [(rule.name, _is_warning(rule, len(fit[0].parts), probe)) for rule in rules]
    found = [
        above_chance(task.metric, labels, _answers(rule, fit, answer, choices, KINDS[task.kind].numeric), documents)
        for rule in rules
    ]
    if choices:
        names.append((POSITION, True))
        found.append(above_equal_shares(labels, np.array([row.label for row in fit]), choices, documents))
    return [
        GiveAway(
            rule=name,
            score=round(one.score, 6),
            chance=round(one.chance, 6),
            stderr=round(one.stderr, 6),
            p=float(f"{p:.3g}"),
            above_chance=p < LEVEL,
            is_warning=is_warning,
        )
        for (name, is_warning), one, p in zip(names, found, holm([one.p for one in found]), strict=True)
    ]


def sentences(found: list[GiveAway]) -> list[str]:
    """Return what a reader of the scores has to know: a sentence for the rules above chance, if there are any."""
    parts = [
        f"{one.rule} {100 * one.score:.1f} (by chance {100 * one.chance:.1f})"
        for one in found
        if one.above_chance and one.is_warning
    ]
    return [f"rules that should not answer it are above chance: {', '.join(parts)}"] if parts else []


def _some(rows: list[Row]) -> list[Row]:
    """Return as many rows as rules read, drawn at random, in their order."""
    if len(rows) <= MOST_ROWS:
        return rows
    return [rows[i] for i in np.sort(generator_for("give-aways").permutation(len(rows))[:MOST_ROWS])]


def _is_warning(rule: Rule, parts: int, probe: str | None) -> bool:
    """Return whether the rule tells nothing that the task asks for."""
    if probe:
        return probe not in STYLE
    return rule.in_a_text if parts == 1 else rule.in_parts


def _answers(rule: Rule, fit: list[Row], answer: list[Row], choices: int, numeric: bool) -> np.ndarray:
    """Return a rule's answers: classes, indices of choices, or numbers, shape (rows,)."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from threadpoolctl import threadpool_limits

    labels = np.array([row.label for row in fit])
    features = rule.features(*(_examples(rows, choices) for rows in (fit, answer)))
    if features is None:
        return np.full(len(answer), labels[0])
    with threadpool_limits(1):  # several threads take longer: they wait for each other
        if numeric:
            return np.asarray(Ridge(alpha=10.0, solver="lsqr").fit(features[0], labels).predict(features[1]))
        target = (labels[:, None] == np.arange(choices)).ravel() if choices else labels.astype(int)
        model = LogisticRegression(C=0.3, max_iter=100).fit(features[0], target)
        if choices:
            return np.asarray(model.decision_function(features[1]).reshape(-1, choices).argmax(1))
        return np.asarray(model.predict(features[1]))


def _examples(rows: list[Row], choices: int) -> Texts:
    """Return what a rule reads: the parts of a row, or the context with each choice."""
    if choices:
        return [(row.parts[0], choice) for row in rows for choice in row.parts[1:]]
    return [row.parts for row in rows]
