"""The training of a task model: its data, its loss and its optimizer steps.

The loss is the task's plus `lm_weight` times the language-model loss of the same sequences (paper, section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.finetuning import FinetuneRecipe
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tasks.rows.metrics import score
from pretrace.training.engine.device import Device
from pretrace.training.engine.flops import flops_of_sequences
from pretrace.training.engine.loop import Step, train_steps
from pretrace.training.engine.optimizer import build_optimizer
from pretrace.training.engine.schedule import warmup_linear
from pretrace.training.finetuning.batching import Batch, epoch_order
from pretrace.training.finetuning.config import input_format
from pretrace.training.finetuning.fit_head import fit_head, head_rows
from pretrace.training.finetuning.predictions import Predictions, predict
from pretrace.training.finetuning.task_head import TaskModel


class Trainer:
    """One fine-tuning with one seed.

    Args:
        language_model: to start from; it is trained in place.
        splits: `train`, `dev` and `test`.
    """

    def __init__(
        self,
        language_model: LanguageModel,
        recipe: FinetuneRecipe,
        splits: dict[str, EncodedSplit],
        seed: int,
        device: Device,
    ) -> None:
        kind, form = KINDS[recipe.kind], input_format(recipe, language_model)
        self.recipe, self.seed, self.device = recipe, seed, device
        head = TaskModel(language_model, kind, recipe.outputs, form, seed, recipe.read_out)
        self.model = head.to(device.name)
        self.labels = {name: split.labels for name, split in splits.items()}
        self.examples = {name: self.model.examples(split) for name, split in splits.items()}
        self.label_scale = kind.label_scale(self.labels["train"], recipe.outputs)
        self.targets = torch.from_numpy(kind.targets(self.labels["train"], recipe.outputs, self.label_scale))
        if self.model.reads_likelihoods:
            fit_head(self.model, self.examples["train"], self.targets, device, recipe.head_strength)
        self.optimizer = build_optimizer(self.model, recipe)
        count = len(self.targets)
        self.orders = [epoch_order(count, recipe.batch_size, seed, epoch) for epoch in range(recipe.epochs)]
        self.steps_per_epoch = max(1, count // recipe.batch_size)
        self._task_losses: list[Tensor] = []

    def steps(self) -> Iterator[Step]:
        """Make the optimizer steps of all epochs, one for each item that is taken."""
        count, recipe = self.steps_per_epoch * self.recipe.epochs, self.recipe
        return train_steps(
            self.model,
            self.optimizer,
            range(count),
            losses=self._losses,
            learning_rate=lambda step: recipe.lr * warmup_linear(step / count, recipe.warmup_share),
            clip_norm=recipe.clip_norm,
            seed=self.seed,
        )

    def _losses(self, step: int) -> Iterator[Tensor]:
        indices = self.orders[step // self.steps_per_epoch][step % self.steps_per_epoch]
        batch = self.examples["train"].batch(indices)
        dropout = batch.dropout(self.recipe.dropout, self.seed, step)
        task_loss, lm_loss = example_losses(
            self.model, batch, self.targets[indices], self.recipe.lm_weight, self.device, dropout
        )
        self._task_losses.append(task_loss.detach())
        yield task_loss + self.recipe.lm_weight * lm_loss

    def take_task_loss(self) -> float:
        """Return the mean of the task's loss over the steps since the last call."""
        mean = float(torch.stack(self._task_losses).mean())
        self._task_losses.clear()
        return mean

    def predict(self, split: str) -> Predictions:
        """Return the predictions for a split, on the scale of the labels."""
        outputs = predict(self.model, self.examples[split], self.device)
        return Predictions(self.label_scale.labels(outputs.values_E), outputs.probabilities_EK)

    def score(self, split: str, predictions: Predictions) -> float:
        """Return the metric of predictions."""
        return score(self.recipe.metric, self.labels[split], predictions.values_E)

    def copy_weights(self) -> dict[str, Tensor]:
        """Return a copy of the weights."""
        return {name: parameter.detach().clone() for name, parameter in self.model.named_parameters()}

    @torch.no_grad()
    def restore(self, weights: dict[str, Tensor]) -> None:
        """Set the weights to a copy of earlier ones."""
        for name, parameter in self.model.named_parameters():
            parameter.copy_(weights[name])

    def count_work(self) -> tuple[int, int]:
        """Return the tokens read in training, and the operations of training and of scoring dev and test rows."""
        trained = self.examples["train"].unit_lengths(np.concatenate([i for order in self.orders for i in order]))
        dev, test = (self.examples[split].unit_lengths() for split in ("dev", "test"))
        scored = np.concatenate([dev] * self.recipe.epochs + [test])
        model, reads = self.model.language_model, self.model.reads_likelihoods
        if reads:
            scored = np.concatenate([scored, self.examples["train"].unit_lengths(head_rows(len(self.targets)))])
        flops = flops_of_sequences(model, trained, trained=True, predicts=reads or self.recipe.lm_weight > 0)
        return int(trained.sum()), flops + flops_of_sequences(model, scored, trained=False, predicts=reads)


def example_losses(
    model: TaskModel, batch: Batch, targets: Tensor, lm_weight: float, device: Device, dropout: Dropout | None = None
) -> tuple[Tensor, Tensor | float]:
    """Return the mean loss of the task over a batch, and the language-model loss: the mean over the tokens of each
    sequence, then over sequences; 0 if its weight is 0.
    """
    batch, targets = batch.to(device.name), targets.to(device.name)
    read = model.read(batch, device, dropout, lm_loss=lm_weight > 0)
    logits_EK = model.logits(read.state_NSC, dropout, read.likelihood_NSL)
    return model.kind.loss(logits_EK, targets), read.lm_loss
