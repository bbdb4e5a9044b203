"""Fine-tuning settings that learn a small task, small models and random rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from pretrace.model import LSTM, LanguageModel, Transformer
from pretrace.schemas.finetuning import FinetuneRecipe
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import LSTMSettings, ModelSettings
from pretrace.settings.training import ReadOut
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS
from pretrace.training.finetuning.config import resolve_recipe
from pretrace.training.finetuning.task_head import TaskModel
from tests.helpers.made_up_results import task_record
from tests.helpers.small_training import settings_with

VOCABULARY = 20
PARTS = {"classification": 1, "entailment": 2, "similarity": 2, "regression": 2, "multiple_choice": 5}
METRICS = {"regression": "pearson", "entailment": "matthews", "similarity": "f1"}


def recipe_of(kind: str, lm_weight: float = 0.5, lr: float = 0.01, epochs: int = 6, **changes: Any) -> FinetuneRecipe:
    values: dict[str, Any] = {
        **{
            "optimizer": "openai_adam",
            "weight_decay": 0.01,
            "beta1": 0.9,
            "beta2": 0.99,
            "clip_norm": 1.0,
            "lr": lr,
            "epochs": epochs,
        },
        **{"batch_size": 8, "warmup_share": 0.1, "lm_weight": lm_weight, "dropout": 0.0, "precision": "float32"},
    }
    outputs = {"classification": 2, "entailment": 2, "similarity": 2}.get(kind, 1)
    values |= {"kind": kind, "metric": METRICS.get(kind, "accuracy"), "outputs": outputs}
    return FinetuneRecipe.model_validate(values | changes)


def task_model(kind: str, context: int = 24, model: str = "transformer", read_out: ReadOut = "classify") -> TaskModel:
    """A small model with random weights."""
    if model == "lstm":
        lstm = LSTMSettings(layers=1, width=16, embedding=8, dropout=0.0, initial_std=0.3)
        start: LanguageModel = LSTM(lstm, VOCABULARY, context, 1)
    else:
        settings = ModelSettings(
            **{"layers": 2, "width": 16, "heads": 2, "feed_forward": 32, "context": context},
            **{"dropout": 0.0, "embedding_dropout": "sum", "initial_std": 0.3},
            **({"positions": "relative"} if model == "relative" else {}),
        )
        start = Transformer(settings, VOCABULARY, 1)
    form = InputFormat.delimiters(VOCABULARY, context)
    return TaskModel(start, KINDS[kind], recipe_of(kind).outputs, form, seed=4, read_out=read_out)


def split_of(kind: str, count: int = 7, longest: int = 9, seed: int = 0, shortest: int = 1) -> EncodedSplit:
    """Rows of random ids, with labels 0 and 1 in turn."""
    random = np.random.default_rng(seed)
    parts = [random.integers(0, VOCABULARY, random.integers(shortest, longest)) for _ in range(count * PARTS[kind])]
    labels = np.arange(count) % 2
    return EncodedSplit(
        np.concatenate(parts).astype(np.uint16),
        np.cumsum([0, *map(len, parts)]),
        labels.astype(np.float32) if kind == "regression" else labels,
        PARTS[kind],
    )


def recipe(
    task: dict | None = None, variant: dict | None = None, lr: float | None = None, **note: Any
) -> FinetuneRecipe:
    settings = settings_with(lr=lr, variants={"full": variant or {}})
    record = task_record(**{"labels": ["a", "b", "c"], **note}, overrides=task or {})
    return resolve_recipe(settings, "full", "task", TaskRecord(**record))
