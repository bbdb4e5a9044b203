"""A fine-tuning step, ours and with transformers, on the same weights and rows: the arms of finetuning.py.

The loss is the task's plus half of the language model's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from turns import Step, plain_adamw, through_the_loop, transformers_model

from pretrace.settings import FinetuneSettings, ModelSettings
from pretrace.tasks.rows.input_formats import InputFormat

DROPOUT, LM_WEIGHT, RATE, SEED, CLASSES = 0.1, 0.5, 6.25e-5, 7, 2
SETTINGS = FinetuneSettings(
    **{"optimizer": "adamw", "weight_decay": 0.01, "beta1": 0.9, "beta2": 0.999, "clip_norm": 1.0, "lr": RATE},
    **{"epochs": 1, "batch_size": 32, "warmup_share": 0.0, "lm_weight": LM_WEIGHT, "dropout": DROPOUT},
    precision="float32",
)


@dataclass(frozen=True)
class Job:
    """A fine-tuning job: the kind of the task, the model, and rows as token ids of each text field."""

    kind: str
    model: ModelSettings
    vocabulary: int
    rows: list[list[np.ndarray]]
    batch: int
    folder: Path

    def chosen(self, step: int) -> np.ndarray:
        """Return the rows of a step."""
        return np.random.default_rng(step).choice(len(self.rows), self.batch, replace=False)

    def labels(self) -> np.ndarray:
        """Return made-up labels, which do not affect the time."""
        return np.arange(len(self.rows)) % CLASSES

    def task_model(self) -> Any:
        """Return the model with the initial weights of all arms."""
        from pretrace.model import Transformer
        from pretrace.tasks.rows.kinds import KINDS
        from pretrace.training.finetuning.task_head import TaskModel

        kind = KINDS[self.kind]
        outputs = kind.outputs([""] * CLASSES, {})
        form = InputFormat.delimiters(self.vocabulary, self.model.context)
        return TaskModel(Transformer(self.model, self.vocabulary, SEED), kind, outputs, form, SEED)


def ours(job: Job, precision: str) -> Step:
    """Return a step as the pipeline runs it."""
    import torch

    from pretrace.tasks.rows.encoded import EncodedSplit
    from pretrace.training.engine.device import choose_device
    from pretrace.training.engine.optimizer import build_optimizer
    from pretrace.training.finetuning.trainer import example_losses

    device, model = choose_device(precision, 1), job.task_model()
    parts = [part for row in job.rows for part in row]
    offsets = np.cumsum([0, *map(len, parts)])
    split = EncodedSplit(np.concatenate(parts), offsets, job.labels(), len(job.rows[0]))
    examples = model.examples(split)
    targets = torch.from_numpy(split.labels)
    optimizer = build_optimizer(model, SETTINGS)

    def losses(step: int, with_dropout: bool) -> Any:
        chosen = job.chosen(step)
        batch = examples.batch(chosen)
        dropout = batch.dropout(DROPOUT if with_dropout else 0.0, SEED, step)
        task, language = example_losses(model, batch, targets[chosen], LM_WEIGHT, device, dropout)
        yield task + LM_WEIGHT * language

    return through_the_loop(model, optimizer, RATE, SETTINGS.clip_norm, SEED, losses)


def plain(job: Job) -> Step:
    """Return a step with transformers in float32, every batch padded to its longest sequence."""
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)
    start, folder = job.task_model(), job.folder / "plain"
    folder.mkdir()
    model, classifier = transformers_model(start.language_model, folder, DROPOUT), start.classifier
    parameters = [*model.parameters(), *classifier.parameters()]
    optimizer = plain_adamw(parameters, SETTINGS, RATE)
    labels = torch.from_numpy(job.labels())

    def run_step(step: int, with_dropout: bool) -> float:
        chosen = job.chosen(step)
        sequences = [s for i in chosen for s in start.kind.sequences(job.rows[i], start.form)]
        lengths = torch.tensor([len(sequence) for sequence in sequences])
        ids = torch.zeros(len(sequences), int(lengths.max()), dtype=torch.int64)
        for row, sequence in zip(ids, sequences, strict=True):
            row[: len(sequence)] = torch.from_numpy(sequence)
        model.train(with_dropout)
        optimizer.zero_grad()
        states = model.transformer(ids).last_hidden_state
        logits = model.lm_head(states)[:, :-1]
        each = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view(len(ids), -1)
        real = torch.arange(each.shape[1]) < lengths[:, None] - 1
        language = ((each * real).sum(1) / real.sum(1)).mean()
        ends = F.dropout(states[torch.arange(len(ids)), lengths - 1], DROPOUT, with_dropout)
        scores = classifier(ends).view(len(chosen), -1)
        loss = F.cross_entropy(scores, labels[chosen]) + LM_WEIGHT * language
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, SETTINGS.clip_norm)
        optimizer.step()
        return float(loss.detach())

    return run_step
