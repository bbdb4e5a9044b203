"""A language model with a task's head: one linear layer on the state at the classify token (paper, sections 3.2, 3.3).

Shapes: N examples, S sequences an example (1; 2 for both orders of a pair; one a choice), C width, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.tasks.kinds import TaskKind


class TaskModel(nn.Module):
    """A language model whose token table has rows for the special tokens, and a classifier.

    Args:
        language_model: its table is extended in place by `special_tokens` rows from N(0, initial_std).
        kind: of the task; it decides how the states of an example's sequences are combined.
        outputs: classes; 1 for regression and multiple choice.
        seed: of the new rows and the classifier.
    """

    def __init__(
        self, language_model: LanguageModel, kind: TaskKind, outputs: int, special_tokens: int, seed: int
    ) -> None:
        super().__init__()
        self.kind = kind
        self.language_model = language_model
        generator = torch.Generator().manual_seed(seed)
        language_model.add_tokens(special_tokens, generator)
        self.classifier = nn.Linear(language_model.width, outputs)
        with torch.no_grad():
            self.classifier.weight.normal_(0.0, language_model.settings.initial_std, generator=generator)
            self.classifier.bias.zero_()

    def logits(self, state_NSC: Tensor, dropout: Dropout | None = None) -> Tensor:
        """Return the logits (N, K) from the states at the classify tokens; K is the number of classes or choices."""
        state_NSC = self.kind.combine(state_NSC.float())
        if dropout:
            # The choices of an example share their dropout noise, as in the released code.
            state_NSC = state_NSC * dropout.of_examples(len(state_NSC))(torch.ones_like(state_NSC[:, :1]))
        return self.kind.logits(self.classifier(state_NSC))
