"""A language model with a task's head: one linear layer on the state of one token (paper, sections 3.2, 3.3).

In BERT's input format that state goes through a pooler first, a linear layer and tanh: the model's own, or a new one.

With the read-out `likelihoods` (ours) the layer also reads how probable the texts are to the model: their mean
log-probabilities, standardized. What the model knows of a text then reaches the classifier from the first step on,
which matters where a task has some hundred steps (docs/log.md has what it brings at laptop scale).

Shapes: N examples, S sequences an example (1; 2 for both orders of a pair; one a choice), C width, K classes,
L log-probabilities.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.model.loss import next_token_log_probabilities, next_token_loss
from pretrace.model.transformer import Transformer
from pretrace.settings.training import ReadOut
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import TaskKind
from pretrace.training.engine.device import Device
from pretrace.training.finetuning.batching import Batch, Examples


class ReadStates(NamedTuple):
    """The classifier's input of a batch, and the language-model loss of the same pass."""

    state_NSC: Tensor
    """The states of the tokens that the classifier reads, pooled if there is a pooler."""
    likelihood_NSL: Tensor | None
    """Mean log-probabilities of the texts; None where they are not read."""
    lm_loss: Tensor | float
    """The mean over the tokens of each sequence, then over sequences; 0 if it is not asked for."""


class TaskModel(nn.Module):
    """A language model whose token table has rows for the special tokens, and a classifier.

    Args:
        language_model: its table is extended in place by the rows that the format adds, from N(0, initial_std).
        kind: of the task; it decides how the states of an example's sequences are combined.
        outputs: classes; 1 for regression and multiple choice.
        form: special tokens of an example.
        seed: of the new rows, of a new pooler and of the classifier.
        read_out: what the classifier reads.
    """

    def __init__(
        self,
        language_model: LanguageModel,
        kind: TaskKind,
        outputs: int,
        form: InputFormat,
        seed: int,
        read_out: ReadOut = "classify",
    ) -> None:
        super().__init__()
        self.kind, self.form = kind, form
        self.reads_likelihoods = read_out == "likelihoods"
        likelihoods = kind.likelihoods if self.reads_likelihoods else 0
        self.language_model = language_model
        generator = torch.Generator().manual_seed(seed)
        if form.added_tokens:
            language_model.add_tokens(form.added_tokens, generator)
        self.classifier = nn.Linear(language_model.width + likelihoods, outputs)
        new = [self.classifier]
        if form.pools and not language_model.has_pooler:
            self.pooler = nn.Linear(language_model.width, language_model.width)
            new.append(self.pooler)
        with torch.no_grad():
            for layer in new:
                layer.weight.normal_(0.0, language_model.settings.initial_std, generator=generator)
                layer.bias.zero_()
        if self.reads_likelihoods:  # parameters, so that they are saved; `fit_head` sets them
            self.likelihood_mean = nn.Parameter(torch.zeros(likelihoods), requires_grad=False)
            self.likelihood_spread = nn.Parameter(torch.ones(likelihoods), requires_grad=False)

    def examples(self, split: EncodedSplit) -> Examples:
        """Return a split as this model reads it."""
        model = self.language_model
        how = (model.attends, self.reads_likelihoods, model.shares_beginnings, model.has_segments)
        return Examples(split, self.kind, self.form, *how)

    def read(self, batch: Batch, device: Device, dropout: Dropout | None = None, lm_loss: bool = False) -> ReadStates:
        """Return what the classifier reads of a batch on the model's device.

        Args:
            lm_loss: whether the auxiliary loss is needed, too.
        """
        model, kind = self.language_model, self.kind
        with device.autocast():
            segments = {} if batch.segments_N is None else {"segments_BT": batch.segments_N}
            h_NC = model.hidden(batch.ids_N, dropout, batch.layout, **segments)
            state_NSC, predicted_KC = self._pooled(h_NC[batch.classify_ES]), h_NC[batch.places_K]
            if batch.texts is None:
                loss: Tensor | float = 0.0
                if lm_loss:
                    weighted = (batch.targets_K, batch.weights_K)
                    loss = next_token_loss(model, predicted_KC, *weighted, device.dtype, dropout)
                return ReadStates(state_NSC, None, loss)
            known_K = next_token_log_probabilities(model, predicted_KC, batch.targets_K, device.dtype, dropout)
        likelihood_NSL = kind.combine_likelihoods(*batch.texts.means(known_K))
        return ReadStates(state_NSC, likelihood_NSL, -(known_K * batch.weights_K).sum() if lm_loss else 0.0)

    def _pooled(self, state_NSC: Tensor) -> Tensor:
        if not self.form.pools:
            return state_NSC
        if self.language_model.has_pooler:
            assert isinstance(self.language_model, Transformer)
            return self.language_model.pooled(state_NSC)
        return torch.tanh(self.pooler(state_NSC))

    def logits(self, state_NSC: Tensor, dropout: Dropout | None = None, likelihood_NSL: Tensor | None = None) -> Tensor:
        """Return the logits (N, K) from the states that `read` gives; K is the number of classes or choices.

        Args:
            likelihood_NSL: mean log-probabilities, as `TaskKind.combine_likelihoods` gives them, where they are read.
        """
        state_NSC = self.kind.combine(state_NSC.float())
        if dropout:
            # The choices of an example share their dropout noise, as in the released code.
            state_NSC = state_NSC * dropout.of_examples(len(state_NSC))(torch.ones_like(state_NSC[:, :1]))
        if likelihood_NSL is not None:
            standard_NSL = (likelihood_NSL - self.likelihood_mean) / self.likelihood_spread
            state_NSC = torch.cat([state_NSC, standard_NSL], -1)
        return self.kind.logits(self.classifier(state_NSC))
