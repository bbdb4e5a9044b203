"""A language model with a task's head: one linear layer on the state at the classify token (paper, sections 3.2, 3.3).

Shapes: N examples, S sequences an example (1; 2 for both orders of a pair; one a choice), C width, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel


class TaskModel(nn.Module):
    """A language model whose token table has rows for the special tokens, and a classifier.

    Args:
        language_model: its table is extended in place by `special_tokens` rows from N(0, initial_std).
        kind: the task's kind; it decides how the sequences of an example meet.
        outputs: classes; 1 for regression and multiple choice.
        seed: of the new rows and the classifier.
    """

    def __init__(self, language_model: LanguageModel, kind: str, outputs: int, special_tokens: int, seed: int) -> None:
        super().__init__()
        self.kind = kind
        self.language_model = language_model
        generator = torch.Generator().manual_seed(seed)
        language_model.add_tokens(special_tokens, generator)
        self.classifier = nn.Linear(language_model.width, outputs)
        with torch.no_grad():
            self.classifier.weight.normal_(0.0, language_model.settings.initial_std, generator=generator)
            self.classifier.bias.zero_()

    def scores(self, state_NSC: Tensor, dropout: Dropout | None = None) -> Tensor:
        """Scores (N, K) from the states at the classify tokens; for multiple choice K is the number of choices."""
        state_NSC = state_NSC.float()
        if self.kind in ("similarity", "regression"):
            state_NSC = state_NSC.sum(1, keepdim=True)
        if dropout:
            # The choices of an example share their dropout noise, as in the released code.
            state_NSC = state_NSC * dropout.of_examples(len(state_NSC))(torch.ones_like(state_NSC[:, :1]))
        scores_NSK = self.classifier(state_NSC)
        return scores_NSK.squeeze(2) if self.kind == "multiple_choice" else scores_NSK.squeeze(1)
