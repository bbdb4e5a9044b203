"""Supervised fine-tuning of one task with one seed (paper, sections 3.2 and 4.1).

The loss is the task's plus `lm_weight` times the language-model loss of the same sequences. After each pass over the
training rows the dev rows are scored; the best pass's weights (the first of equals) give the test score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pretrace.model.build import build_model
from pretrace.model.checkpoints.load import load_model
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.model.loss import next_token_loss
from pretrace.settings import Settings
from pretrace.tasks.dataset import EncodedSplit
from pretrace.tasks.input_formats import SPECIAL_TOKENS
from pretrace.tasks.kinds import KINDS
from pretrace.tasks.metrics import score
from pretrace.training.engine.device import Device
from pretrace.training.engine.flops import flops_of_sequences
from pretrace.training.engine.loop import train_steps
from pretrace.training.engine.optimizer import build_optimizer
from pretrace.training.engine.schedule import warmup_linear
from pretrace.training.finetuning.batching import Batch, Examples, epoch_order
from pretrace.training.finetuning.config import Recipe
from pretrace.training.finetuning.predictions import predict
from pretrace.training.finetuning.task_head import TaskModel


@dataclass(frozen=True)
class SeedResult:
    """What one seed gives."""

    seed: int
    dev_scores: list[float]
    """One a pass."""
    best_epoch: int
    """From 1."""
    test_score: float
    predictions: list[float]
    """On the test rows: a class, a choice, or a number."""
    probabilities: list[list[float]] | None
    """Of the classes or choices of each test row; None for regression."""
    curve: list[dict[str, float]]
    """Rows of `step` and `loss` (the task's loss alone, mean over the steps since the row before)."""
    tokens: int
    """Read in training."""
    flops: int
    """Floating-point operations of training, of the choice of the pass, and of the test rows."""
    label_scale: dict[str, float]
    """Mean and spread of the train rows' numbers; 0 and 1 where they are not brought to scale."""
    model: dict[str, Any]
    """Sizes of the language model, without the special tokens."""


def starting_model(
    settings: Settings, variant_name: str, vocabulary_size: int, pretrained: Path, seed: int
) -> LanguageModel:
    """The language model that a variant starts from: pre-trained, or random with the seed's weights, or in between.

    In between: the embeddings and the first `layers` blocks are pre-trained (released code: `n_transfer`; Figure 2).
    """
    variant = settings.variants[variant_name]
    if not variant.pretrained:
        return build_model(variant.model, settings.scale, vocabulary_size, seed)
    model = load_model(pretrained / variant.model)
    if variant.layers is not None:
        random = model.create(model.settings, vocabulary_size, model.context, seed)
        model.blocks = nn.ModuleList([*model.blocks[: variant.layers], *random.blocks[variant.layers :]])
    return model


def finetune_seed(
    language_model: LanguageModel,
    recipe: Recipe,
    splits: dict[str, EncodedSplit],
    seed: int,
    device: Device,
    on_step: Callable[[], None] | None = None,
) -> tuple[SeedResult, TaskModel]:
    """Fine-tune with one seed; returns its scores and the model of the best pass.

    Args:
        language_model: to start from; it is trained in place.
        splits: `train`, `dev` and `test`.
        on_step: called after every update.

    Raises:
        PretraceError: the loss, a gradient or a score is not finite.
    """
    vocabulary_size = language_model.vocabulary_size
    sizes = language_model.describe()
    kind = KINDS[recipe.kind]
    model = TaskModel(language_model, kind, recipe.outputs, SPECIAL_TOKENS, seed).to(device.name)
    data = {
        name: Examples(split, kind, vocabulary_size, language_model.context, language_model.attends)
        for name, split in splits.items()
    }
    scale = kind.label_scale(splits["train"].labels, recipe.outputs)
    targets = torch.from_numpy(kind.targets(splits["train"].labels, recipe.outputs, scale))
    optimizer = build_optimizer(model, recipe.settings)
    per_epoch = max(1, len(targets) // recipe.settings.batch_size)
    steps = per_epoch * recipe.epochs
    best: dict[str, Tensor] = {}
    dev_scores: list[float] = []
    curve: list[dict[str, float]] = []
    task_losses: list[Tensor] = []
    orders = [epoch_order(len(targets), recipe.settings.batch_size, seed, e) for e in range(recipe.epochs)]

    def losses(step: int) -> Iterator[Tensor]:
        chosen = orders[step // per_epoch][step % per_epoch]
        batch = data["train"].batch(chosen)
        task_loss, lm_loss = example_losses(
            model, batch, targets[chosen], recipe, device, batch.dropout(recipe.settings.dropout, seed, step)
        )
        task_losses.append(task_loss.detach())
        yield task_loss + recipe.lm_weight * lm_loss

    for step in train_steps(
        model,
        optimizer,
        range(steps),
        losses=losses,
        learning_rate=lambda step: recipe.lr * warmup_linear(step / steps, recipe.settings.warmup_share),
        clip_norm=recipe.settings.clip_norm,
        seed=seed,
    ):
        if on_step:
            on_step()
        if step.number % per_epoch:
            continue
        curve.append({"step": step.number, "loss": round(float(torch.stack(task_losses).mean()), 6)})
        task_losses.clear()
        predictions = scale.labels(predict(model, data["dev"], device).values_E)
        dev_scores.append(score(recipe.metric, splits["dev"].labels, predictions))
        if dev_scores[-1] > max(dev_scores[:-1], default=-np.inf):
            best.update({name: p.detach().clone() for name, p in model.named_parameters()})
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(best[name])
    test = predict(model, data["test"], device)
    predictions, probabilities = scale.labels(test.values_E), test.probabilities_EK
    read = data["train"].unit_lengths(np.concatenate([chosen for order in orders for chosen in order]))
    scored = [data["dev"].unit_lengths()] * recipe.epochs + [data["test"].unit_lengths()]
    result = SeedResult(
        seed=seed,
        dev_scores=dev_scores,
        best_epoch=int(np.argmax(dev_scores)) + 1,
        test_score=score(recipe.metric, splits["test"].labels, predictions),
        predictions=[round(float(p), 6) for p in predictions],
        probabilities=None if probabilities is None else probabilities.round(6).tolist(),
        curve=curve,
        tokens=int(read.sum()),
        flops=flops_of_sequences(model.language_model, read, trained=True, predicts=recipe.lm_weight > 0)
        + flops_of_sequences(model.language_model, np.concatenate(scored), trained=False, predicts=False),
        label_scale=asdict(scale),
        model=sizes,
    )
    return result, model


def example_losses(
    model: TaskModel, batch: Batch, target: Tensor, recipe: Recipe, device: Device, dropout: Dropout | None = None
) -> tuple[Tensor, Tensor | float]:
    """The task's mean loss over a batch, and the language-model loss: masked mean a sequence, then over sequences."""
    batch, target = batch.to(device.name), target.to(device.name)
    with device.autocast():
        h_NC = model.language_model.hidden(batch.ids_N, dropout, batch.layout)
        lm_loss: Tensor | float = 0.0
        if recipe.lm_weight:
            predicted = (h_NC[batch.places_K], batch.targets_K, batch.weights_K)
            lm_loss = next_token_loss(model.language_model, *predicted, device.dtype, dropout)
    logits_EK = model.logits(h_NC[batch.classify_ES], dropout)
    return model.kind.loss(logits_EK, target), lm_loss
