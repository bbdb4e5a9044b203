"""Proximal policy optimization: the third step of InstructGPT.

An update draws answers, judges them, and makes `epochs x minibatches` optimizer steps of the policy and of the value
network. Both have optimizers of their own; the reference is the policy as it was. All that decides the weights is in
this module and in what it imports.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pretrace.common.code import code_hash
from pretrace.common.files import sha256_of_json
from pretrace.model.language_model import LanguageModel
from pretrace.settings.alignment.stages import PpoSettings
from pretrace.tokens.shards.read import Shards
from pretrace.tokens.shards.sampler import batch_sequences
from pretrace.training.alignment.loop import Phase, Row, device_part, run_phase
from pretrace.training.alignment.policy import arithmetic
from pretrace.training.alignment.policy.carried import PpoState
from pretrace.training.alignment.policy.rollout import Ids, Rollout, Score, collect, division
from pretrace.training.alignment.policy.sample import Sampler
from pretrace.training.alignment.reward.scalar_model import ScalarModel
from pretrace.training.alignment.text.conversation import Rendered
from pretrace.training.engine.device import Device
from pretrace.training.engine.fingerprint import fingerprint
from pretrace.training.engine.loop import train_steps
from pretrace.training.engine.optimizer import build_optimizer
from pretrace.training.objectives import MicroBatch
from pretrace.training.objectives.causal_lm import CausalLM

WARMUP_FROM = 0.1
"""Share of the rate at the first update (InstructGPT)."""


@dataclass(frozen=True)
class Judges:
    """Who judges answers."""

    reward: Score
    """The reward that the policy is trained on."""
    watched: dict[str, Callable[[Sequence[Rendered]], np.ndarray]] = field(default_factory=dict)
    """Others, whose mean is shown in the curve alone."""
    sha256: str = ""
    """Hash of what `reward` depends on."""


class Ppo:
    """A training of a policy, in place.

    Args:
        name: of the training, for messages.
        policy: the start, which is also the reference.
        value: the value network, of the same context.
        prompts: ids of each.
        seed: of all draws.
        start: hash of the weights that policy and value have.
        pretraining: text of the mix; None where its coefficient is 0.
    """

    def __init__(
        self,
        name: str,
        policy: LanguageModel,
        reference: LanguageModel,
        value: ScalarModel,
        prompts: Sequence[Ids],
        judges: Judges,
        sampler: Sampler,
        settings: PpoSettings,
        seed: int,
        device: Device,
        start: str,
        pretraining: Shards | None = None,
    ) -> None:
        self.name, self.policy, self.reference, self.value = name, policy, reference, value
        self.prompts, self.judges, self.sampler, self.settings = prompts, judges, sampler, settings
        self.seed, self.device, self.start, self.pretraining = seed, device, start, pretraining
        self.state = PpoState(settings.kl.coefficient, policy, settings.ema)
        self.each = settings.epochs * settings.minibatches
        """Optimizer steps of an update."""
        self.rollout: Rollout
        self._facts: dict[str, float] = {}
        self._warned = False

    def run(self, publish: Callable[[], None] = lambda: None) -> list[Row]:
        """Train; return the curve: a row for each optimizer step, and in an update's first one the figures of its
        rollout.

        Raises:
            PretraceError: a reward, a loss or a gradient is not finite; or as `run_phase`.
        """
        both = nn.ModuleDict({"policy": self.policy, "value": self.value})
        optimizers = [build_optimizer(module, self.settings) for module in (self.policy, self.value)]
        optimizers[1].state = optimizers[0].state  # by parameter, so one can hold both; checkpoints take one
        total = self.settings.updates * self.each
        phase = Phase(
            self.name,
            self.fingerprint(),
            both,
            optimizers[0],
            total,
            lambda first: self._steps(range(first, total), optimizers),
            self.settings.checkpoint_every,
            may_save=lambda step: step % self.each == 0,
            carried=self.state,
        )
        curve = run_phase(phase, publish)
        self.state.finish()
        return curve

    def fingerprint(self) -> str:
        """Return the hash of all that the weights depend on."""
        return fingerprint(
            start=self.start,
            prompts=sha256_of_json([list(map(int, ids)) for ids in self.prompts]),
            reward=self.judges.sha256,
            settings=self.settings.model_dump(exclude={"checkpoint_every", "warn_kl"}),
            sampler=(self.sampler.tokens, self.sampler.temperature, self.sampler.vocabulary.fingerprint),
            pretraining=self.pretraining.tokens if self.pretraining else 0,
            seed=self.seed,
            device=device_part(self.device),
            code=code_hash(__name__),
        )

    def rate(self, lr: float, step: int) -> float:
        """Return the rate of a step: constant after a rise from a tenth, by updates."""
        warmup = self.settings.warmup_updates
        done = min(1.0, step // self.each / warmup) if warmup else 1.0
        return lr * (WARMUP_FROM + (1 - WARMUP_FROM) * done)

    def _steps(self, steps: range, optimizers: Sequence[torch.optim.Optimizer]) -> Iterator[Row]:
        settings = self.settings
        made = [
            train_steps(
                module,
                optimizer,
                steps,
                losses=losses,
                learning_rate=lambda step, lr=lr: self.rate(lr, step),  # type: ignore[misc]
                clip_norm=settings.clip_norm,
                seed=self.seed,
                describe_batch=self._describe,
            )
            for module, optimizer, losses, lr in (
                (self.policy, optimizers[0], self._policy_losses, settings.lr),
                (self.value, optimizers[1], self._value_losses, settings.value_lr),
            )
        ]
        for of_policy, of_value in zip(*made, strict=True):  # the policy's step first: it draws the rollout
            self.state.follow()
            row: dict[str, Any] = {"step": of_policy.number, "loss": of_policy.loss, "value_loss": of_value.loss}
            row |= {"lr": self.rate(settings.lr, of_policy.number - 1), **self._facts}
            if of_policy.number % self.each == 0:
                self.state.coefficient = arithmetic.adapted(
                    self.state.coefficient, self.rollout.kl, settings.episodes, settings.kl
                )
            yield row

    def _policy_losses(self, step: int) -> Iterator[Tensor]:
        update, within = divmod(step, self.each)
        self._facts = self._collect(update) if within == 0 else {}
        part, rollout = self._part(step), self.rollout
        new = self.sampler.likelihoods(self.policy, rollout.packed(part, self.device), self.device)
        old_K, advantages_K = (
            rollout.of(x, part).to(self.device.name) for x in (rollout.old_BT, rollout.advantages_BT)
        )
        loss, ratio_K = arithmetic.policy_loss(new.chosen_K, old_K, advantages_K, self.settings.clip)
        self._facts |= {
            "clip_fraction": float(((ratio_K - 1).abs() > self.settings.clip).float().mean()),
            "approx_kl": float(((ratio_K - 1) - ratio_K.log()).mean()),
            "largest_ratio": float(ratio_K.max()),
        }
        yield loss
        if self.pretraining and self.settings.mix.coefficient:
            yield self.settings.mix.coefficient * self._pretraining_loss(self.pretraining, step)

    def _value_losses(self, step: int) -> Iterator[Tensor]:
        part, rollout = self._part(step), self.rollout
        packed = rollout.packed(part, self.device)
        with self.device.autocast():
            new_K = self.value(packed, packed.places_K)
        old_K, returns_K = (rollout.of(x, part).to(self.device.name) for x in (rollout.values_BT, rollout.returns_BT))
        yield arithmetic.value_loss(new_K, old_K, returns_K, self.settings.value_clip)

    def _pretraining_loss(self, shards: Shards, step: int) -> Tensor:
        count, context = self.settings.mix.sequences, self.policy.context
        numbers = range(step * count, (step + 1) * count)
        ids_BT = torch.from_numpy(batch_sequences(shards, context, numbers, self.seed)).to(self.device.name)
        batch = MicroBatch(ids_BT, range(count), count, self.seed, step)
        return CausalLM().loss(self.policy, batch, 0.0, self.device)

    def _part(self, step: int) -> np.ndarray:
        """Return the answers of a step's minibatch."""
        update, within = divmod(step, self.each)
        epoch, number = divmod(within, self.settings.minibatches)
        return division(self.settings, self.seed, update, epoch)[number]

    def _collect(self, update: int) -> dict[str, float]:
        """Draw the rollout of an update; return its figures."""
        self.rollout = rollout = collect(
            self.policy,
            self.reference,
            self.value,
            self.prompts,
            self.judges.reward,
            self.sampler,
            self.settings,
            self.state.coefficient,
            self.seed,
            update,
            self.device,
        )
        mask_BT = rollout.mask_BT
        values_N, returns_N = rollout.values_BT[mask_BT], rollout.returns_BT[mask_BT]
        if rollout.kl > self.settings.warn_kl and not self._warned:
            self._warned = True
            print(
                f"{self.name}: update {update + 1}: KL is {rollout.kl:.0f} nats an answer and runs away: the policy "
                "has left the texts that the reward model knows. A larger ppo.kl.coefficient, a target or a lower rate "
                "holds it",
                file=sys.stderr,
            )
        return {
            "update": update + 1,
            "reward": float(rollout.scores_B.mean()),
            **{name: float(judge(rollout.texts).mean()) for name, judge in self.judges.watched.items()},
            "kl": rollout.kl,
            "coefficient": self.state.coefficient,
            "entropy": rollout.entropy,
            "length": float(mask_BT.sum(1).float().mean()),
            "explained_variance": arithmetic.explained_variance(values_N, returns_N),
        }

    def _describe(self, step: int) -> str:
        """Return what an error about a step adds: its answers."""
        shown = ", ".join(str(number + 1) for number in sorted(self._part(step).tolist())[:8])
        return f"; update {step // self.each + 1}, answers {shown}, ..."
