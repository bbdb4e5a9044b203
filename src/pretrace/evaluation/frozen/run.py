"""A task by the frozen pre-trained model and a linear classifier: its predictions on the test rows, and their score."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pretrace.common.files import atomic_path
from pretrace.evaluation.frozen.heads import StateRows, best_head
from pretrace.evaluation.frozen.states import mean_states
from pretrace.model import LanguageModel, load_model
from pretrace.schemas.baselines import BaselineScore, FrozenReport
from pretrace.settings import Settings
from pretrace.tasks.rows.draws import generator_for
from pretrace.tasks.rows.encoded import EncodedSplit, read_encoded
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tasks.rows.metrics import score, standard_error
from pretrace.tokens import load_vocabulary, vocabulary_folder
from pretrace.training.engine.device import Device

MOST_TEXTS = 40_000
"""Texts of training rows that are read, each part counted; of more, rows are drawn at random. Their states take 100 MB
at laptop scale, and 1.6 GB at that of GPT-1."""


def score_frozen(
    settings: Settings, task_folder: Path, models: Path, device: Device, predictions: Path
) -> FrozenReport:
    """Classify the rows of a task by the states of each model in `models` (models/pretrained/<system>).

    Writes `predictions`, a Parquet file with a line for each pre-training and test row, in order, unless the task is
    unavailable: `pretrain_seed` (null without one), and one named for the kind of model.

    Raises:
        PretraceError: the task's files or the model are missing or not readable.
    """
    import pandas as pd

    record, splits = read_encoded(task_folder)
    answers: list[pd.DataFrame] = []
    scores: dict[str, BaselineScore] = {}
    for name, seed in settings.pretrainings().items() if not record.unavailable else ():
        folder = models / name
        model = load_model(folder).eval().to(device.name)
        document_end_id = load_vocabulary(vocabulary_folder(folder)).document_end_id
        answer, scores[name] = _answer(model, document_end_id, splits, record.kind, record.metric, device)
        seeds = pd.array([seed] * len(answer), dtype="Int64")
        answers.append(pd.DataFrame({"pretrain_seed": seeds, model.kind: answer}))
    with atomic_path(predictions) as temporary:
        table = pd.concat(answers) if answers else pd.DataFrame()
        table.to_parquet(temporary, compression="zstd", index=False)
    return FrozenReport(unavailable=record.unavailable, scores=scores)


def _answer(
    model: LanguageModel, document_end_id: int, splits: dict[str, EncodedSplit], kind: str, metric: str, device: Device
) -> tuple[np.ndarray, BaselineScore]:
    def states(split: EncodedSplit, rows: np.ndarray, layers: list[int]) -> np.ndarray:
        texts = [part for i in rows for part in split.row(int(i))]
        means_SLC = mean_states(model, texts, document_end_id, layers, device)
        return means_SLC.reshape(len(rows), split.parts, len(layers), -1)

    every = list(range(model.state_layers))
    rows = {split: np.arange(len(splits[split])) for split in splits}
    rows["train"] = _drawn(len(splits["train"]), MOST_TEXTS // splits["train"].parts)
    train, dev = (
        StateRows(states(splits[name], rows[name], every), splits[name].labels[rows[name]]) for name in ("train", "dev")
    )
    head, candidates = best_head(KINDS[kind], metric, train, dev)
    answer = head.predict(states(splits["test"], rows["test"], [head.layer])[:, :, 0]).round(6)
    labels = splits["test"].labels
    return answer, BaselineScore(
        score=round(score(metric, labels, answer), 6),
        stderr=round(standard_error(metric, labels, answer), 6),
        chosen=max(candidates, key=lambda candidate: candidate.dev),
        candidates=candidates,
        train_rows=len(train.labels_E) if len(train.labels_E) < len(splits["train"]) else None,
    )


def _drawn(count: int, most: int) -> np.ndarray:
    """Return the numbers of at most `most` rows, in order, always the same."""
    if count <= most:
        return np.arange(count)
    return np.sort(generator_for("frozen").permutation(count)[:most])
