"""Facts about each kind of task that settings and files are checked against; pretrace.tasks.rows.kinds has the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pretrace.settings.columns import Columns, Fields

Kind = Literal["classification", "entailment", "similarity", "regression", "multiple_choice"]
SEQUENCE = "sequence"
"""Kind of tasks whose answer is a text (`pretrace.settings.sequences`)."""
CLASS_METRICS = ("accuracy", "matthews", "f1")
NUMBER_METRICS = ("pearson", "spearman")


@dataclass(frozen=True)
class KindFacts:
    """Columns, labels and metrics of one kind."""

    fields: Callable[[Columns], Fields]
    """The columns that the parts of a row come from."""
    named: bool = True
    """True if labels are the names of classes."""
    numeric: bool = False
    """True if labels are numbers on a scale."""
    metrics: tuple[str, ...] = CLASS_METRICS
    """Permitted metrics; the first is the default."""
    part_fields: tuple[str, ...] = ("first", "second")
    """Names of the row's texts in a prompt's templates, in the order of its parts."""
    prompt_fields: tuple[str, ...] = ()
    """Further fields there: `labels`, the words of all classes; `before` and `after` the one blank of the context."""


KIND_FACTS: dict[str, KindFacts] = {
    "classification": KindFacts(Columns.text_fields, part_fields=("text",), prompt_fields=("labels",)),
    "entailment": KindFacts(Columns.pair_fields, prompt_fields=("labels",)),
    "similarity": KindFacts(Columns.pair_fields, prompt_fields=("labels",)),
    "regression": KindFacts(Columns.pair_fields, named=False, numeric=True, metrics=NUMBER_METRICS),
    "multiple_choice": KindFacts(
        Columns.choice_fields, named=False, part_fields=("context",), prompt_fields=("before", "after")
    ),
}
