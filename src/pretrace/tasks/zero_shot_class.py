"""The class that a high value of a language model stands for, in tasks that are answered without fine-tuning."""

from __future__ import annotations

from pretrace.common.errors import PretraceError
from pretrace.settings import Heuristic

NAMES: dict[Heuristic, tuple[str, ...]] = {
    "acceptability": ("acceptable", "as written", "1"),
    "sentiment": ("positive", "1"),
    "pair_pmi": ("continues", "entailment", "1"),
}
"""Names of that class by heuristic: in words, or as GLUE numbers it. Heuristics that pick a choice have none."""


def class_of_high_values(task: str, heuristic: Heuristic, labels: list[str] | None, positive: str | None) -> int:
    """Return the index of the acceptable, positive or continuing class; 0 for heuristics that pick a choice.

    Args:
        positive: the name of that class in the task's entry, if it has one.

    Raises:
        PretraceError: there are not two classes, or none of them has such a name.
    """
    if heuristic not in NAMES:
        return 0
    names = (positive,) if positive else NAMES[heuristic]
    high = [index for index, label in enumerate(labels or []) if label in names]
    if len(high) != 1 or len(labels or []) != 2:
        raise PretraceError(
            f"params.yaml: tasks.{task}.zero_shot: {heuristic} takes two labels, of which one is "
            f"{' or '.join(NAMES[heuristic])}, or named by `positive`; this task has {', '.join(labels or ['none'])}"
        )
    return high[0]
