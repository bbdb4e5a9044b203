"""Language models and fine-tuned models as modules that can be traced: PyTorch's own operations only.

The fast CPU kernels of `pretrace.model` are not among them, so results agree with the pipeline's up to rounding.

Shapes: B batch, T time, C width, V vocabulary; N examples, S sequences per example (1; 2 for both orders of a pair; one
per choice), K scores.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.export.graph_formats import Graph
from pretrace.model import LanguageModel
from pretrace.schemas.finetuning import FinetunedConfig
from pretrace.tasks.targets import LabelScale
from pretrace.training.finetuning.task_head import TaskModel


class TracedLanguageModel(nn.Module):
    """A language model: token ids (B, T) to logits (B, T, V)."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor) -> Tensor:
        states_BTC = self.model.traceable_hidden(ids)
        return F.linear(self.model.output_states(states_BTC), self.model.output_weight())


class TracedTaskModel(nn.Module):
    """A fine-tuned model: token ids (N, S, T) to scores (N, K), or for regression to numbers (N,).

    `ids` are padded on the right with any id; `last` (N, S) is the position of each classify token.
    """

    def __init__(self, model: TaskModel, scale: LabelScale) -> None:
        super().__init__()
        self.model, self.scale = model, scale

    def forward(self, ids: Tensor, last: Tensor) -> Tensor:
        N, S, T = ids.shape
        states_BTC = self.model.language_model.traceable_hidden(ids.reshape(N * S, T))
        last_B1C = last.reshape(N * S, 1, 1).expand(N * S, 1, states_BTC.shape[2])
        state_NSC = states_BTC.gather(1, last_B1C).reshape(N, S, states_BTC.shape[2])
        logits_NK = self.model.logits(state_NSC)
        if not self.model.kind.numeric:
            return logits_NK
        return self.model.kind.predictions(logits_NK) * self.scale.spread + self.scale.mean


def language_model_graph(model: LanguageModel) -> Graph:
    """Return the module to trace for a language model, with example inputs."""
    ids_BT = torch.zeros(2, min(3, model.context), dtype=torch.long)
    axes: dict[str, tuple[str, ...]] = {"ids": ("batch", "time"), "logits": ("batch", "time")}
    return Graph(TracedLanguageModel(model), {"ids": ids_BT}, "logits", axes)


def task_graph(model: TaskModel, config: FinetunedConfig) -> Graph:
    """Return the module to trace for a fine-tuned model, with example inputs."""
    sequences = model.kind.sequences_per_example(parts=3)
    ids_NST = torch.zeros(2, sequences, min(3, model.language_model.context), dtype=torch.long)
    inputs = {"ids": ids_NST, "last": torch.zeros(2, sequences, dtype=torch.long)}
    axes = {"ids": ("examples", "sequences", "time"), "last": ("examples", "sequences"), "scores": ("examples",)}
    if model.kind.chooses:
        axes["scores"] = ("examples", "sequences")
    scale = LabelScale(config.label_scale.mean, config.label_scale.spread)
    return Graph(TracedTaskModel(model, scale), inputs, "scores", axes)
