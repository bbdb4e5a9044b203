"""The stage `compare`: every way to a policy, measured on the same test prompts.

Shapes: P prompts, A answers of each, N answers of each prompt's pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from pretrace.common.progress import progress
from pretrace.model import load_model
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.alignment.records import (
    AnswerSample,
    Arm,
    ArmSeed,
    CompareReport,
    Interval,
    Point,
)
from pretrace.training.alignment.loop import seed_of
from pretrace.training.alignment.policy.best_of_n import best_of_n, best_of_n_kl
from pretrace.training.alignment.policy.sample import Sampler
from pretrace.training.alignment.prompts import store
from pretrace.training.alignment.stages.project import MEASURE, POOL, Project
from pretrace.training.alignment.text.conversation import Rendered, continuation
from pretrace.training.alignment.text.packing import PackedTexts
from pretrace.training.engine.device import Device
from pretrace.training.objectives.causal_lm import CausalLM
from pretrace.training.pretraining.evaluate import validation_losses

TEXTS_AT_ONCE = 128
START = "start"
"""Name of the start policy among samples."""


@dataclass(frozen=True)
class Answers:
    """Answers to the test prompts, and their rewards; without a gold reward, `gold_PA` is None."""

    texts: list[Rendered]
    proxy_PA: np.ndarray
    gold_PA: np.ndarray | None

    @property
    def judged(self) -> np.ndarray:
        """The gold reward, or the reward model's without one."""
        return self.proxy_PA if self.gold_PA is None else self.gold_PA


class Measurer:
    """Answers of policies to the test prompts of a project."""

    def __init__(self, project: Project) -> None:
        self.project, self.start = project, project.start()
        self.prompts = [one.prompt for one in store.read_passages(project.data / "prompts" / "test.parquet")]
        self.sampler = project.sampler(project.settings.ppo.temperature)
        self._proxy, self._gold = project.proxy(), project.gold()
        objective, context = CausalLM(), self.start.context
        self._objective, self._validation = objective, objective.validation(project.shards("validation"), context)

    def answers(self, policy: LanguageModel, count: int, purpose: int) -> Answers:
        """Return so many answers to each prompt; the n-th one to a prompt has the same seed in every policy."""
        asked = [prompt for prompt in self.prompts for _ in range(count)]
        seeds = [seed_of(self.project.settings.seed, purpose, number) for number in range(len(asked))]
        drawn = self.sampler.draw(policy, asked, seeds)
        texts = [continuation(prompt, answer) for prompt, answer in zip(asked, drawn, strict=True)]
        gold = self._gold.of_texts(texts).reshape(-1, count) if self._gold else None
        return Answers(texts, self._proxy(texts).reshape(-1, count), gold)

    def measure(self, policy: LanguageModel, answers: Answers, start: Answers | None, seed: int) -> ArmSeed:
        """Return the figures of a policy, given its answers and the start policy's."""
        kl_B = log_ratios(policy, self.start, answers.texts, self.sampler, self.project.device)
        wins = None
        if start is not None:
            wins = interval((np.sign(answers.judged - start.judged) + 1) / 2)
        point = Point(
            kl=interval(kl_B.reshape(answers.proxy_PA.shape)),
            proxy=interval(answers.proxy_PA),
            gold=None if answers.gold_PA is None else interval(answers.gold_PA),
            win_rate=wins,
        )
        own = [text.ids_T[text.trained_T].tolist() for text in answers.texts]
        losses = validation_losses(policy, self._objective, self._validation, self.project.device)
        return ArmSeed(
            seed=seed,
            point=point,
            length=round(float(np.mean([len(ids) for ids in own])), 4),
            distinct=round(distinct_bigrams(own), 6),
            lm_loss=round(losses["val_loss"], 6),
        )

    def best_of(self, pool: Answers, n: int, by_gold: bool) -> Point:
        """Return the figures of best-of-n, chosen by the reward model or by the gold reward."""
        chosen_by_PN = pool.judged if by_gold else pool.proxy_PA
        judged_P = best_of_n(chosen_by_PN, pool.judged, n)
        return Point(
            kl=Interval(mean=round(best_of_n_kl(n), 6), stderr=0.0),
            proxy=interval(best_of_n(chosen_by_PN, pool.proxy_PA, n)[:, None]),
            gold=None if pool.gold_PA is None else interval(judged_P[:, None]),
            win_rate=None,
        )


def compare(project: Project) -> CompareReport:
    """Measure all arms, best-of-n and the start policy, and return the report.

    Raises:
        PretraceError: a model is missing, or a reward is not a number.
    """
    settings, measurer = project.settings.measure, Measurer(project)
    start = measurer.answers(measurer.start, settings.answers, MEASURE)
    pool = measurer.answers(measurer.start, settings.pool, POOL)
    shown = {START: start.texts[:: settings.answers]}
    most = max(settings.best_of)
    best = pool.proxy_PA[:, :most].argmax(1)
    shown[f"best_of_{most}"] = [pool.texts[number * settings.pool + at] for number, at in enumerate(best.tolist())]
    arms: dict[str, Arm] = {}
    trainings = [(name, seed) for name in project.settings.arms for seed in project.settings.seeds]
    for name, seed in progress(trainings, unit="policies", description="compare"):
        policy = load_model(project.models / "policies" / name / f"seed-{seed}").to(project.device.name)
        own = measurer.answers(policy, settings.answers, MEASURE)
        arm = arms.setdefault(name, Arm(method=project.settings.arms[name].method, seeds=[]))
        arm.seeds.append(measurer.measure(policy, own, start, seed))
        shown.setdefault(name, own.texts[:: settings.answers])
    return CompareReport(
        prompts=len(measurer.prompts),
        pool=settings.pool,
        start=measurer.measure(measurer.start, start, None, project.settings.seed),
        best_of={str(n): measurer.best_of(pool, n, by_gold=False) for n in settings.best_of},
        best_of_gold={str(n): measurer.best_of(pool, n, by_gold=True) for n in settings.best_of}
        if pool.gold_PA is not None
        else {},
        arms=arms,
        samples=_samples(project, shown, settings.samples),
    )


@torch.no_grad()
def log_ratios(
    policy: LanguageModel, start: LanguageModel, texts: Sequence[Rendered], sampler: Sampler, device: Device
) -> np.ndarray:
    """Return log(policy / start) of each answer (B,), nats: of a policy's own answers, its KL on the mean (k1)."""
    parts = []
    for first in range(0, len(texts), TEXTS_AT_ONCE):
        packed = PackedTexts.of(texts[first : first + TEXTS_AT_ONCE], device.name)
        own_K, other_K = (sampler.likelihoods(model, packed, device).chosen_K for model in (policy, start))
        parts.append(packed.sums(own_K - other_K).double().cpu().numpy())
    return np.concatenate(parts)


def interval(values_PA: np.ndarray) -> Interval:
    """Return the mean, and its standard error over prompts, of which each counts the same."""
    means_P = values_PA.mean(1)
    spread = float(means_P.std(ddof=1)) if len(means_P) > 1 else 0.0
    return Interval(mean=round(float(means_P.mean()), 6), stderr=round(spread / len(means_P) ** 0.5, 6))


def distinct_bigrams(answers: Sequence[Sequence[int]]) -> float:
    """Return the share of different bigrams among all bigrams of answers; 1 if there are none."""
    pairs = [pair for ids in answers for pair in pairwise(ids)]
    return len(set(pairs)) / len(pairs) if pairs else 1.0


def _samples(project: Project, shown: dict[str, list[Rendered]], count: int) -> list[AnswerSample]:
    """Return the first prompts with an answer of each policy, as text."""
    found = []
    for number in range(min(count, len(shown[START]))):
        texts = {name: own[number] for name, own in shown.items()}
        prompt_T = texts[START].ids_T[~texts[START].trained_T]
        answers = {name: project.vocabulary.decode(t.ids_T[t.trained_T].tolist()) for name, t in texts.items()}
        found.append(AnswerSample(prompt=project.vocabulary.decode(prompt_T.tolist()), answers=answers))
    return found
