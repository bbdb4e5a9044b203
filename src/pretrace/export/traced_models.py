"""Language models and fine-tuned models as modules that can be traced: PyTorch's own operations only.

The fast CPU kernels of `pretrace.model` are not among them, so results agree with the pipeline's up to rounding.

Shapes: B batch, T time, C width, V vocabulary; N examples, S sequences per example (1; 2 for both orders of a pair; one
per choice), K scores.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pretrace.common.errors import PretraceError
from pretrace.export.graph_formats import Graph
from pretrace.model import LanguageModel
from pretrace.schemas.finetuning import FinetunedConfig
from pretrace.tasks.rows.targets import LabelScale
from pretrace.training.finetuning.task_head import TaskModel


class TracedLanguageModel(nn.Module):
    """A language model: token ids (B, T) to logits (B, T, V)."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor) -> Tensor:
        states_BTC = self.model.traceable_hidden(ids)
        return self.model.logits(states_BTC)


class TracedTaskModel(nn.Module):
    """A fine-tuned model: token ids (N, S, T) to scores (N, K), or for regression to numbers (N,).

    `ids` are padded on the right with any id; `last` (N, S) is the position of each classify token. Where the
    classifier reads log-probabilities, the sequences of texts alone stand behind the others.
    """

    def __init__(self, model: TaskModel, scale: LabelScale) -> None:
        super().__init__()
        self.model, self.scale = model, scale

    def forward(self, ids: Tensor, last: Tensor) -> Tensor:
        N, S, T = ids.shape
        states_BTC = self.model.language_model.traceable_hidden(ids.reshape(N * S, T))
        last_B1C = last.reshape(N * S, 1, 1).expand(N * S, 1, states_BTC.shape[2])
        state_NSC = states_BTC.gather(1, last_B1C).reshape(N, S, states_BTC.shape[2])
        if not self.model.reads_likelihoods:
            logits_NK = self.model.logits(state_NSC)
        else:
            means_NSP = self._text_means(states_BTC, ids.reshape(N * S, T), last.reshape(N * S)).reshape(N, S, -1)
            own = S // 2 if self.model.kind.alone_layout else S
            likelihood_NSL = self.model.kind.combine_likelihoods(means_NSP[:, :own], means_NSP[:, own:, 0])
            logits_NK = self.model.logits(state_NSC[:, :own], None, likelihood_NSL)
        if not self.model.kind.numeric:
            return logits_NK
        return self.model.kind.predictions(logits_NK) * self.scale.spread + self.scale.mean

    def _text_means(self, states_BTC: Tensor, ids_BT: Tensor, last_B: Tensor) -> Tensor:
        """Return the mean log-probability (B, P) of the first and the second text of each sequence."""
        model = self.model.language_model
        size = self.model.form.start
        logits_BTV = model.logits(states_BTC[:, :-1])
        targets_BT = ids_BT[:, 1:]
        known_BT = logits_BTV.log_softmax(-1).gather(2, targets_BT[:, :, None])[:, :, 0]
        position_T = torch.arange(1, ids_BT.shape[1], device=ids_BT.device)
        in_text_BT = (targets_BT < size) & (position_T < last_B[:, None])
        number_BT = (targets_BT == self.model.form.delimiter).long().cumsum(1)
        means = []
        for number in range(self.model.kind.texts):
            own_BT = (in_text_BT & (number_BT == number)).float()
            means.append((known_BT * own_BT).sum(1) / own_BT.sum(1).clamp_min(1))
        return torch.stack(means, 1)


def language_model_graph(model: LanguageModel) -> Graph:
    """Return the module to trace for a language model, with example inputs."""
    ids_BT = torch.zeros(2, min(3, model.context), dtype=torch.long)
    axes: dict[str, tuple[str, ...]] = {"ids": ("batch", "time"), "logits": ("batch", "time")}
    return Graph(TracedLanguageModel(model), {"ids": ids_BT}, "logits", axes)


def task_graph(model: TaskModel, config: FinetunedConfig) -> Graph:
    """Return the module to trace for a fine-tuned model, with example inputs.

    Raises:
        PretraceError: its input format is BERT's, whose graph would need to know the padding and the segments.
    """
    if config.recipe.input_format != "delimiters":
        raise PretraceError(
            f"a fine-tuned model with `input_format: {config.recipe.input_format}` has no graph (its padding needs a "
            "mask); `delimiters` has one, and `pretrace predict` takes both"
        )
    sequences = model.kind.sequences_per_example(3, model.form)
    if model.reads_likelihoods and model.kind.alone_layout:
        sequences *= 2
    ids_NST = torch.zeros(2, sequences, min(3, model.language_model.context), dtype=torch.long)
    inputs = {"ids": ids_NST, "last": torch.zeros(2, sequences, dtype=torch.long)}
    axes = {"ids": ("examples", "sequences", "time"), "last": ("examples", "sequences"), "scores": ("examples",)}
    if model.kind.chooses:
        axes["scores"] = ("examples", "sequences")
    scale = LabelScale(config.label_scale.mean, config.label_scale.spread)
    return Graph(TracedTaskModel(model, scale), inputs, "scores", axes)
