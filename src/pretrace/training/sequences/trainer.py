"""Training of one model on the pairs of a task with one seed (Vaswani et al. 2017, section 5).

The rate rises in a line and then falls with the inverse root of the steps; Adam is torch's, without decay. The model is
the mean of the weights at the last checkpoints (section 6.1). A training that was killed resumes from its last
checkpoint, to the same bytes: a step depends on its number, the seed and the weights alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from pretrace.common.files import locked
from pretrace.common.progress import progress
from pretrace.model.checkpoints.safetensors_file import WeightsFile
from pretrace.model.kernels.dropout import Dropout
from pretrace.schemas.checkpoint import CheckpointMetadata
from pretrace.settings.learners.sequence import SequenceSettings
from pretrace.training.distributed.sigterm import Sigterm
from pretrace.training.engine.checkpoint import Checkpoints
from pretrace.training.engine.device import Device
from pretrace.training.engine.loop import Step, train_steps
from pretrace.training.engine.schedule import warmup_inverse_sqrt
from pretrace.training.sequences.learners import Learner
from pretrace.training.sequences.pairs import Pair, batch_number, batches_of

DEV_BATCH_TOKENS = 4096
"""Tokens of a batch of dev rows, whose loss depends on the size by rounding alone."""


class PairTrainer:
    """A model, its pairs and its optimizer.

    Args:
        learner: is trained in place.
        pairs: those to learn, all of which fit.
        dev: those that losses are of.
        lr: peak learning rate.
    """

    def __init__(
        self,
        learner: Learner,
        pairs: Sequence[Pair],
        dev: Sequence[Pair],
        settings: SequenceSettings,
        lr: float,
        seed: int,
        device: Device,
    ) -> None:
        self.learner, self.settings, self.lr, self.seed, self.device = learner, settings, lr, seed, device
        self.pairs, self.dev = pairs, dev
        self.batches = batches_of(pairs, settings.batch_tokens, seed)
        self.dev_batches = batches_of(dev, DEV_BATCH_TOKENS, 0)
        self.learner.module.to(device.name).train()
        betas = settings.beta1, settings.beta2
        self.optimizer = torch.optim.Adam(
            learner.module.parameters(), lr=0.0, betas=betas, eps=settings.epsilon, fused=True
        )

    @property
    def epochs(self) -> float:
        """Times that each pair is learned."""
        return self.settings.steps / len(self.batches)

    @property
    def tokens(self) -> int:
        """Tokens of the sources and targets of all steps, with the ends of targets."""
        sizes = [
            sum(len(self.pairs[index].source) + len(self.pairs[index].target) + 1 for index in batch)
            for batch in self.batches
        ]
        whole, rest = divmod(self.settings.steps, len(self.batches))
        first = whole * len(self.batches)
        order = [batch_number(step, len(self.batches), self.seed) for step in range(first, first + rest)]
        return whole * sum(sizes) + sum(sizes[number] for number in order)

    def learning_rate(self, step: int) -> float:
        """Return the rate of a step, counted from 0."""
        return self.lr * warmup_inverse_sqrt(step + 1, self.settings.warmup_steps)

    def train(self, checkpoints: Checkpoints, title: str) -> None:
        """Make the steps that are left, and leave the mean of the last weights in the model.

        Raises:
            PretraceError: another process trains this already, the loss is not finite, or the disk is full.
        """
        with locked(checkpoints.lock, wait=False):
            first = checkpoints.restore(self.learner.module, self.optimizer)
            checkpoints.truncate_logs(first.step)
            if first.step:
                print(f"{title}: resuming from the checkpoint at step {first.step}", file=sys.stderr)
            bar = progress(total=self.settings.steps, unit="step", description=title, initial=first.step)
            with Sigterm() as stop, bar:
                started = time.monotonic() - first.seconds
                for step in self._steps(first.step):
                    self._keep(checkpoints, step, time.monotonic() - started, stop.received)
                    bar.update(1)
                    if stop.received:
                        print(f"{title}: SIGTERM received, checkpoint saved at step {step.number}", file=sys.stderr)
                        stop.end_process()
        self._average(checkpoints)

    def _steps(self, first: int) -> Iterator[Step]:
        return train_steps(
            self.learner.module,
            self.optimizer,
            range(first, self.settings.steps),
            losses=self._losses,
            learning_rate=self.learning_rate,
            clip_norm=self.settings.clip_norm,
            seed=self.seed,
        )

    def _losses(self, step: int) -> Iterator[Tensor]:
        batch = self.batches[batch_number(step, len(self.batches), self.seed)]
        chosen = [self.pairs[index] for index in batch]
        rate = self.settings.dropout
        dropout = Dropout(rate, self.seed, step, range(len(chosen))) if rate else None
        with self.device.autocast():
            yield self.learner.loss(chosen, self.settings.label_smoothing, dropout)

    def _keep(self, checkpoints: Checkpoints, step: Step, seconds: float, stops: bool) -> None:
        """Write a step's loss; at a checkpoint the dev loss, the weights that are averaged, and the state."""
        row = {"step": step.number, "loss": round(step.loss, 6), "lr": self.learning_rate(step.number - 1)}
        due = step.number in self.checkpoint_steps
        if due and (dev_loss := self.dev_loss()) is not None:
            row["dev_loss"] = dev_loss
        checkpoints.curve.append(row)
        if step.number in self.averaged_steps:
            checkpoints.save_weights(step.number, self.learner.module)
        if due or stops:
            metadata = CheckpointMetadata(step=step.number, seconds=seconds)
            checkpoints.save(self.learner.module, self.optimizer, metadata)

    @property
    def checkpoint_steps(self) -> list[int]:
        """Steps after which there is a checkpoint, the last one among them."""
        every, last = self.settings.checkpoint_every, self.settings.steps
        return [*range(every, last, every), last]

    @property
    def averaged_steps(self) -> list[int]:
        """Steps whose weights are averaged."""
        return self.checkpoint_steps[-self.settings.averaged :]

    @torch.no_grad()
    def dev_loss(self) -> float | None:
        """Return the mean loss of a dev row's token without smoothing or dropout, in nats; None without dev rows."""
        self.learner.module.eval()
        total = count = 0.0
        with self.device.autocast():
            for batch in self.dev_batches:
                chosen = [self.dev[index] for index in batch]
                tokens = self.learner.predicted(chosen)
                total += tokens * float(self.learner.loss(chosen, 0.0, None))
                count += tokens
        self.learner.module.train()
        return round(total / count, 6) if count else None

    @torch.no_grad()
    def _average(self, checkpoints: Checkpoints) -> None:
        """Put the mean of the weights of `averaged_steps` into the model."""
        files = [
            WeightsFile(checkpoints.weights_folder / f"step-{step:08d}.safetensors") for step in self.averaged_steps
        ]
        for name, parameter in self.learner.module.named_parameters():
            total = torch.zeros(parameter.shape, dtype=torch.float64)
            for file in files:
                total += file.read(name)
            parameter.copy_((total / len(files)).float())
        self.learner.module.eval()
