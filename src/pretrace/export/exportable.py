"""The models in PyTorch's own operations only, as forms for other programs need them; the same numbers up to rounding.

Training and evaluation have faster ways on CPUs (`pretrace.model`), which a graph for other programs cannot hold.

Shapes: B batch, T time, C width, H heads, D width of a head, V vocabulary; N examples, S sequences an example (1; 2 for
both orders of a pair; one a choice), K scores.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.export.graph_formats import Graph
from pretrace.model import LanguageModel
from pretrace.training.finetuning.predictions import LabelScale
from pretrace.training.finetuning.task_head import TaskModel


class PlainLanguageModel(nn.Module):
    """Logits (B, T, V) of token ids (B, T), by the weights of a language model."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor) -> Tensor:
        states_BTC = self.model.traceable_hidden(ids)
        return F.linear(self.model.output_states(states_BTC), self.model.output_weight())


class PlainTaskModel(nn.Module):
    """Scores (N, K) of the sequences of examples, by the weights of a fine-tuned model; of a regression numbers (N,).

    `ids` are (N, S, T), padded on the right with any id; `last` (N, S) has the place of each classify token.
    """

    def __init__(self, model: TaskModel, scale: LabelScale) -> None:
        super().__init__()
        self.model, self.scale = model, scale

    def forward(self, ids: Tensor, last: Tensor) -> Tensor:
        N, S, T = ids.shape
        states_BTC = self.model.language_model.traceable_hidden(ids.reshape(N * S, T))
        places_B1C = last.reshape(N * S, 1, 1).expand(N * S, 1, states_BTC.shape[2])
        state_NSC = states_BTC.gather(1, places_B1C).reshape(N, S, states_BTC.shape[2])
        scores_NK = self.model.scores(state_NSC)
        if self.model.kind != "regression":
            return scores_NK
        # Soft classes: the mean of their numbers, as `pretrace.training.finetuning.predictions` has it.
        K = scores_NK.shape[1]
        found_N = scores_NK.squeeze(1) if K == 1 else scores_NK.softmax(1) @ torch.arange(K, dtype=scores_NK.dtype)
        return found_N * self.scale.spread + self.scale.mean


def language_model_graph(model: LanguageModel) -> Graph:
    """What is traced of a language model."""
    ids_BT = torch.zeros(2, min(3, model.context), dtype=torch.long)
    axes: dict[str, tuple[str, ...]] = {"ids": ("batch", "time"), "logits": ("batch", "time")}
    return Graph(PlainLanguageModel(model), {"ids": ids_BT}, "logits", axes)


def task_graph(model: TaskModel, note: dict[str, Any]) -> Graph:
    """What is traced of a fine-tuned model; `note` is its `config.json`."""
    sequences = 1 if note["kind"] in ("classification", "entailment") else 2
    ids_NST = torch.zeros(2, sequences, min(3, model.language_model.context), dtype=torch.long)
    inputs = {"ids": ids_NST, "last": torch.zeros(2, sequences, dtype=torch.long)}
    axes = {"ids": ("examples", "sequences", "time"), "last": ("examples", "sequences"), "scores": ("examples",)}
    if note["kind"] == "multiple_choice":
        axes["scores"] = ("examples", "sequences")
    return Graph(PlainTaskModel(model, LabelScale(**note["label_scale"])), inputs, "scores", axes)
