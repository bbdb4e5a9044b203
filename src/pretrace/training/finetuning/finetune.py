"""Supervised fine-tuning of one task with one seed (paper, sections 3.2 and 4.1).

After each epoch the dev rows are scored; the weights of the best epoch (the first of equals) give the test score.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from pretrace.model.build import build_model
from pretrace.model.checkpoints.load import load_model
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.finetuning import FinetuneRecipe, LabelScale, SeedResult, TaskCurvePoint
from pretrace.settings import Settings
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.training.engine.device import Device
from pretrace.training.finetuning.config import training_rows
from pretrace.training.finetuning.task_head import TaskModel
from pretrace.training.finetuning.trainer import Trainer


def starting_model(
    settings: Settings, variant_name: str, vocabulary_size: int, pretrained: Path | None, seed: int
) -> LanguageModel:
    """Return the language model that a variant starts from: pre-trained, random with the seed's weights, or both.

    Both: the embeddings and the first `layers` blocks are pre-trained (released code: `n_transfer`; Figure 2).

    Args:
        pretrained: folder of the pre-trained model; None for a variant that is not pre-trained.
    """
    variant = settings.variants[variant_name]
    if pretrained is None:
        return build_model(settings.scale, vocabulary_size, seed)
    model = load_model(pretrained)
    if variant.layers is not None:
        random = model.create(model.settings, vocabulary_size, model.context, seed)
        model.blocks = nn.ModuleList([*model.blocks[: variant.layers], *random.blocks[variant.layers :]])
    return model


def finetune_seed(
    language_model: LanguageModel,
    recipe: FinetuneRecipe,
    splits: dict[str, EncodedSplit],
    seed: int,
    device: Device,
) -> tuple[SeedResult, TaskModel]:
    """Fine-tune with one seed; return its result and the model of the best epoch.

    Args:
        language_model: to start from; it is trained in place.
        splits: `train`, `dev` and `test`.

    Raises:
        PretraceError: the loss, a gradient or a logit is not finite.
    """
    sizes = language_model.describe()
    splits = splits | {"train": training_rows(splits["train"], recipe)}
    trainer = Trainer(language_model, recipe, splits, seed, device)
    curve: list[TaskCurvePoint] = []
    dev_scores: list[float] = []
    best: dict[str, Tensor] = {}
    for step in trainer.steps():
        if step.number % trainer.steps_per_epoch == 0:
            curve.append(TaskCurvePoint(step=step.number, loss=round(trainer.take_task_loss(), 6)))
            dev_scores.append(trainer.score("dev", trainer.predict("dev")))
            if dev_scores[-1] > max(dev_scores[:-1], default=-np.inf):
                best = trainer.copy_weights()
    trainer.restore(best)
    test = trainer.predict("test")
    tokens, flops = trainer.count_work()
    result = SeedResult(
        seed=seed,
        dev_scores=dev_scores,
        best_epoch=int(np.argmax(dev_scores)) + 1,
        test_score=trainer.score("test", test),
        predictions=[round(float(value), 6) for value in test.values_E],
        probabilities=None if test.probabilities_EK is None else test.probabilities_EK.round(6).tolist(),
        curve=curve,
        tokens=tokens,
        flops=flops,
        label_scale=LabelScale(**asdict(trainer.label_scale)),
        model=sizes,
    )
    return result, trainer.model
