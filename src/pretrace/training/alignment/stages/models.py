"""The stages `reward` and `policies`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, sha256_of_json
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.alignment.records import RewardReport
from pretrace.settings.alignment.stages import Arm
from pretrace.training.alignment.loop import Row, seed_of
from pretrace.training.alignment.policy.dpo import train_dpo
from pretrace.training.alignment.policy.ppo import Judges, Ppo
from pretrace.training.alignment.prompts import store
from pretrace.training.alignment.reward.comparisons import Compared, accuracy
from pretrace.training.alignment.reward.scalar_model import ScalarModel, rewards, save_scalar_model
from pretrace.training.alignment.reward.train import train_reward_model
from pretrace.training.alignment.sft import train_on_demonstrations
from pretrace.training.alignment.stages.prepare import Publish, demonstrations_of
from pretrace.training.alignment.stages.project import CALIBRATION, REJECTION, Project
from pretrace.training.alignment.text.conversation import Rendered, continuation

SHUFFLE = 4
"""Purpose of the random numbers of shuffled rewards."""


def run_reward(project: Project, publish: Publish = lambda: None) -> tuple[RewardReport, list[Row]]:
    """Train the reward model on the comparisons, and write models/assistant/reward.

    Raises:
        PretraceError: as `train_reward_model`.
    """
    settings, seed, device = project.settings.reward, project.settings.seed, project.device
    folder = project.data / "comparisons"
    rows, test = (store.read_compared(folder / f"{name}.parquet") for name in ("compared", "test_compared"))
    model = ScalarModel(project.start(), seed)
    texts = calibration_texts(project, settings.calibration)
    curve = train_reward_model("reward", model, rows, texts, settings, seed, device, project.start_hash(), publish)
    with atomic_folder(project.models / "reward") as out:
        save_scalar_model(out, model)
    of_test, of_train = (rewards(model, texts_of(ones), device) for ones in (test, rows))
    (right, stderr), (train_right, _) = accuracy(test, of_test), accuracy(rows, of_train)
    gold = project.gold()
    report = RewardReport(
        steps=len(curve),
        prompts=sum(bool(row.pairs) for row in rows),
        pairs=sum(len(row.pairs) for row in rows),
        test_prompts=len(test),
        accuracy=round(right, 6),
        stderr=round(stderr, 6),
        train_accuracy=round(train_right, 6),
        gold_correlation=round(float(np.corrcoef(of_test, gold.of_texts(texts_of(test)))[0, 1]), 6) if gold else None,
        gain=model.gain,
        offset=model.offset,
    )
    return report, curve


def texts_of(rows: Sequence[Compared]) -> list[Rendered]:
    """Return the texts of compared answers, prompt by prompt."""
    return [text for row in rows for text in row.texts]


def calibration_texts(project: Project, count: int) -> list[Rendered]:
    """Return answers of the start policy to training prompts."""
    prompts = [one.prompt for one in store.read_passages(project.data / "prompts" / "train.parquet")]
    asked = [prompts[number % len(prompts)] for number in range(count)]
    seeds = [seed_of(project.settings.seed, CALIBRATION, number) for number in range(count)]
    answers = project.sampler(project.settings.comparisons.temperature).draw(project.start(), asked, seeds)
    return [continuation(prompt, answer) for prompt, answer in zip(asked, answers, strict=True)]


def train_arm(project: Project, name: str, seed: int, publish: Publish = lambda: None) -> list[Row]:
    """Train the policy of an arm with a seed, and write models/assistant/policies/<arm>/seed-<seed>.

    Raises:
        PretraceError: as what trains it.
    """
    arm, policy = project.settings.arms[name], project.start()
    curve = METHODS[arm.method](project, f"{name}, seed {seed}", arm, policy, seed, publish)
    project.save(project.models / "policies" / name / f"seed-{seed}", policy)
    return curve


def _ppo(project: Project, name: str, arm: Arm, policy: LanguageModel, seed: int, publish: Publish) -> list[Row]:
    settings, proxy, gold = project.settings.ppo_of(arm), project.proxy(), project.gold()
    prompts = [one.prompt for one in store.read_passages(project.data / "prompts" / "train.parquet")]
    if arm.reward == "gold" and gold is None:
        raise PretraceError(f"{name}: there is no gold reward")
    judge = gold.of_texts if gold and arm.reward == "gold" else proxy

    def reward(update: int, texts: Sequence[Rendered]) -> np.ndarray:
        found_B = judge(texts)
        if arm.reward == "shuffled":
            return np.random.default_rng(seed_of(seed, SHUFFLE, update)).permutation(found_B)
        return found_B

    watched: dict[str, Callable[[Sequence[Rendered]], np.ndarray]] = {"proxy": proxy}
    if gold:
        watched["gold"] = gold.of_texts
    known = [arm.reward, project.reward_hash(), sha256_of_json(gold.weights_V.tolist()) if gold else ""]
    ppo = Ppo(
        name,
        policy,
        copy.deepcopy(policy),
        project.reward_model(),
        prompts,
        Judges(reward, watched, sha256_of_json(known)),
        project.sampler(settings.temperature),
        settings,
        seed,
        project.device,
        sha256_of_json([project.start_hash(), project.reward_hash()]),
        project.shards("train") if settings.mix.coefficient else None,
    )
    return ppo.run(publish)


def _dpo(project: Project, name: str, arm: Arm, policy: LanguageModel, seed: int, publish: Publish) -> list[Row]:
    rows = store.read_compared(project.data / "comparisons" / "compared.parquet")
    reference, sampler = copy.deepcopy(policy), project.sampler(project.settings.comparisons.temperature)
    settings, start = project.settings.dpo, project.start_hash()
    return train_dpo(name, policy, reference, rows, sampler, settings, seed, project.device, start, publish)


def _rejection(project: Project, name: str, arm: Arm, policy: LanguageModel, seed: int, publish: Publish) -> list[Row]:
    """Supervised fine-tuning on the best of several answers, by the reward model."""
    prompts = [one.prompt for one in store.read_passages(project.data / "prompts" / "train.parquet")]
    asked = [prompt for prompt in prompts for _ in range(arm.best_of)]
    seeds = [seed_of(seed, REJECTION, number) for number in range(len(asked))]
    answers = project.sampler(project.settings.comparisons.temperature).draw(policy, asked, seeds)
    texts = [continuation(prompt, answer) for prompt, answer in zip(asked, answers, strict=True)]
    best_P = project.proxy()(texts).reshape(-1, arm.best_of).argmax(1)
    chosen = [texts[number * arm.best_of + best] for number, best in enumerate(best_P.tolist())]
    return _fine_tune(project, name, policy, chosen, seed, publish)


def _demonstrations(
    project: Project, name: str, arm: Arm, policy: LanguageModel, seed: int, publish: Publish
) -> list[Row]:
    """Supervised fine-tuning on the training prompts' own continuations in the upper half of the gold reward."""
    texts = demonstrations_of(store.read_passages(project.data / "prompts" / "train.parquet"))
    gold = project.gold()
    if gold is None:
        raise PretraceError(f"{name}: there is no gold reward")
    found_B = gold.of_texts(texts)
    chosen = [text for text, value in zip(texts, found_B, strict=True) if value >= np.median(found_B)]
    return _fine_tune(project, name, policy, chosen, seed, publish)


def _fine_tune(
    project: Project, name: str, policy: LanguageModel, texts: list[Rendered], seed: int, publish: Publish
) -> list[Row]:
    return train_on_demonstrations(
        name, policy, texts, project.settings.sft, seed, project.device, project.start_hash(), publish
    )


METHODS: dict[str, Callable[[Project, str, Arm, LanguageModel, int, Publish], list[Row]]] = {
    "ppo": _ppo,
    "dpo": _dpo,
    "rejection": _rejection,
    "demonstrations": _demonstrations,
}
"""Trainings of a policy, in place, by the `method` of an arm."""
