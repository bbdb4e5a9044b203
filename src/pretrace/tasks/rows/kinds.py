"""The task kinds: one object for each says all that depends on the kind of a task (paper, section 3.3, figure 1).

    KINDS["similarity"].sequences(parts, InputFormat.delimiters(vocabulary_size, context))

No other module compares a kind's name. A new kind is a class here and a line in pretrace.settings.kinds. PyTorch is
imported only where it computes.

Shapes: E examples, S sequences per example, K outputs (classes, choices, or 1), C hidden width, L log-probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pretrace.settings import Columns, Task
from pretrace.settings.columns import Fields
from pretrace.settings.kinds import KIND_FACTS
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.labels import choice_index, class_index, label_number
from pretrace.tasks.rows.targets import LabelScale, shares_of_classes

if TYPE_CHECKING:
    from torch import Tensor

PAIR = "start, first, delimiter, second, classify"


class TaskKind:
    """A kind whose labels are classes and whose example is one sequence; the others override what differs."""

    name: ClassVar[str]
    format: ClassVar[str]
    """The input format, in words for tables."""
    layout: ClassVar[str]
    """The sequences of an example, in words for model cards."""
    symmetric: ClassVar[bool] = False
    """True if the order of the two texts means nothing."""
    chooses: ClassVar[bool] = False
    """True if the label is one of the row's own choices, which stand behind one context."""
    texts: ClassVar[int] = 2
    """P: texts of a sequence."""
    likelihoods: ClassVar[int] = 1
    """L: mean log-probabilities of texts that a classifier may read beside each state."""
    alone_layout: ClassVar[str] = ""
    """The sequences of `alone`, in words that follow those of the layout; empty if there are none."""

    def __init__(self) -> None:
        facts = KIND_FACTS[self.name]
        self.named, self.numeric = facts.named, facts.numeric
        self.metrics, self.default_metric = facts.metrics, facts.metrics[0]

    def fields(self, columns: Columns) -> Fields:
        """Return the columns that the parts of a row come from."""
        return KIND_FACTS[self.name].fields(columns)

    def row_key(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """Return what two rows have in common if they are the same example."""
        return tuple(sorted(parts)) if self.symmetric else parts

    # Labels.

    @property
    def label_type(self) -> type[np.generic]:
        """The NumPy type of labels in training."""
        return np.float32 if self.numeric else np.int64

    def read_label(self, value: Any, task: Task, classes: list[str] | None, choices: int, where: str) -> int | float:
        """Return the label in a cell of a file. Raises `PretraceError` if it is none."""
        return class_index(value, task, classes or [], where)

    def readable(self, prediction: float, classes: list[str] | None) -> str | int | float:
        """Return a prediction as people read it."""
        return (classes or [])[int(prediction)]

    def plain(self, predictions: Sequence[float]) -> list[int] | list[float]:
        """Return predictions as whole numbers, or as they are if the labels are numbers."""
        return list(predictions) if self.numeric else [int(value) for value in predictions]

    # Sequences.

    def sequences(self, parts: Sequence[np.ndarray], form: InputFormat) -> list[np.ndarray]:
        """Return the sequences of an example given the ids of its parts."""
        return [form.join(parts)]

    def sequences_per_example(self, parts: int, form: InputFormat) -> int:
        """Return the number of sequences of an example with so many parts."""
        return 1

    def alone(self, parts: Sequence[np.ndarray], form: InputFormat) -> list[np.ndarray]:
        """Return sequences of the texts whose log-probability is compared with that behind another text.

        There are as many as sequences of the example, or none.
        """
        return []

    def combine_likelihoods(self, own_ESP: Tensor, alone_EA: Tensor) -> Tensor:
        """Return the mean log-probabilities (E, S or 1, L) that the classifier reads beside the combined states.

        Args:
            own_ESP: of the first and, given it, the second text of each sequence; P is 1 where there is one text.
            alone_EA: of the texts of `alone`.
        """
        return own_ESP

    # The model: its outputs, and what they are compared with.

    def outputs(self, classes: list[str] | None, overrides: Mapping[str, Any]) -> int:
        """Return the number of the classifier's outputs; `overrides` are the task's own settings."""
        return len(classes or [])

    def combine(self, states_ESC: Tensor) -> Tensor:
        """Return the states that the classifier reads, from those of the sequences of each example."""
        return states_ESC

    def logits(self, outputs_ESK: Tensor) -> Tensor:
        """Return the logits (E, K) from the classifier's outputs for the combined states."""
        return outputs_ESK.squeeze(1)

    def label_scale(self, labels: np.ndarray, outputs: int) -> LabelScale:
        """Return the scale that the training labels are brought to."""
        return LabelScale()

    def targets(self, labels: np.ndarray, outputs: int, scale: LabelScale) -> np.ndarray:
        """Return the training targets of labels."""
        return labels

    def loss(self, logits_EK: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss over examples."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(logits_EK, targets)

    def predictions(self, logits_EK: Tensor) -> Tensor:
        """Return the most probable class or choice of each example, or its number before scaling."""
        return logits_EK.argmax(1)

    def probabilities(self, logits_EK: Tensor) -> Tensor | None:
        """Return the probabilities (E, K) of classes or choices; None for numbers."""
        return logits_EK.float().softmax(1)


class Classification(TaskKind):
    """One text and its class."""

    name = "classification"
    format = "classification"
    layout = "one sequence: start, text, classify"
    texts = 1


class Entailment(TaskKind):
    """Premise, hypothesis and their class."""

    name = "entailment"
    format = "ordered pair"
    layout = f"one sequence: {PAIR}"
    likelihoods = 3
    alone_layout = "; and a second one: start, second, classify"

    def alone(self, parts: Sequence[np.ndarray], form: InputFormat) -> list[np.ndarray]:
        return [form.join(parts[1:])]

    def combine_likelihoods(self, own_ESP: Tensor, alone_EA: Tensor) -> Tensor:
        import torch

        return torch.cat([own_ESP, alone_EA[:, None]], 2)


class Similarity(TaskKind):
    """Two texts in no order: both orders are read, and the states summed; or one, as the input format says."""

    name = "similarity"
    format = "unordered pair"
    layout = f"two sequences: {PAIR}; and with first and second exchanged"
    symmetric = True
    likelihoods = 2

    def sequences(self, parts: Sequence[np.ndarray], form: InputFormat) -> list[np.ndarray]:
        return [form.join(both) for both in ((parts, parts[::-1]) if form.both_orders else (parts,))]

    def sequences_per_example(self, parts: int, form: InputFormat) -> int:
        return 2 if form.both_orders else 1

    def combine(self, states_ESC: Tensor) -> Tensor:
        return states_ESC.sum(1, keepdim=True)

    def combine_likelihoods(self, own_ESP: Tensor, alone_EA: Tensor) -> Tensor:
        return own_ESP.sum(1, keepdim=True)  # each text is read alone, as the first of one order


class Regression(Similarity):
    """Two texts in no order and a number.

    One output is trained with squared error on standardized labels; several are the classes of a scale 0, 1, 2, ...,
    between which a label is shared (`soft_classes`), and the prediction is the mean class.
    """

    name = "regression"
    format = "unordered pair, graded"

    def read_label(self, value: Any, task: Task, classes: list[str] | None, choices: int, where: str) -> int | float:
        return label_number(value, task.soft_classes, where)

    def readable(self, prediction: float, classes: list[str] | None) -> str | int | float:
        return round(float(prediction), 4)

    def outputs(self, classes: list[str] | None, overrides: Mapping[str, Any]) -> int:
        return int(overrides.get("soft_classes", 1))

    def label_scale(self, labels: np.ndarray, outputs: int) -> LabelScale:
        return LabelScale.of(labels) if outputs == 1 else LabelScale()

    def targets(self, labels: np.ndarray, outputs: int, scale: LabelScale) -> np.ndarray:
        return scale.standardized(labels) if outputs == 1 else shares_of_classes(labels, outputs)

    def loss(self, logits_EK: Tensor, targets: Tensor) -> Tensor:
        from torch.nn.functional import cross_entropy, mse_loss

        if logits_EK.shape[1] == 1:
            return mse_loss(logits_EK.squeeze(1), targets)
        return cross_entropy(logits_EK, targets)

    def predictions(self, logits_EK: Tensor) -> Tensor:
        import torch

        K = logits_EK.shape[1]
        if K == 1:
            return logits_EK.squeeze(1)
        return logits_EK.softmax(1) @ torch.arange(K, dtype=logits_EK.dtype, device=logits_EK.device)

    def probabilities(self, logits_EK: Tensor) -> None:
        return None


class MultipleChoice(TaskKind):
    """A context and choices, of which one is right: a sequence for each, and a softmax over all."""

    name = "multiple_choice"
    format = "multiple choice"
    layout = "one sequence per choice: start, context, delimiter, choice, classify"
    chooses = True
    likelihoods = 2
    alone_layout = "; and behind these one more per choice: start, choice, classify"

    def read_label(self, value: Any, task: Task, classes: list[str] | None, choices: int, where: str) -> int | float:
        return choice_index(value, task, choices, where)

    def readable(self, prediction: float, classes: list[str] | None) -> str | int | float:
        return int(prediction)

    def sequences(self, parts: Sequence[np.ndarray], form: InputFormat) -> list[np.ndarray]:
        return [form.join((parts[0], choice)) for choice in parts[1:]]

    def alone(self, parts: Sequence[np.ndarray], form: InputFormat) -> list[np.ndarray]:
        return [form.join((choice,)) for choice in parts[1:]]

    def combine_likelihoods(self, own_ESP: Tensor, alone_EA: Tensor) -> Tensor:
        import torch

        # The context's would be the same for all choices. Of an empty one there is nothing to sum, and 0 would be the
        # highest; it is as improbable as the row's least probable choice.
        both = own_ESP[:, :, 1], alone_EA
        return torch.stack([torch.where(one == 0, one.detach().amin(1, keepdim=True), one) for one in both], 2)

    def sequences_per_example(self, parts: int, form: InputFormat) -> int:
        return parts - 1

    def outputs(self, classes: list[str] | None, overrides: Mapping[str, Any]) -> int:
        return 1

    def logits(self, outputs_ESK: Tensor) -> Tensor:
        return outputs_ESK.squeeze(2)


KINDS: dict[str, TaskKind] = {
    kind.name: kind for kind in (Classification(), Entailment(), Similarity(), Regression(), MultipleChoice())
}
