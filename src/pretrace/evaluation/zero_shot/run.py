"""Every pre-trained model, after every step whose weights were saved, on every task and language test."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from pretrace.common.progress import progress
from pretrace.evaluation.language_tests.run import prepare_tests
from pretrace.evaluation.word_tests.run import score_words
from pretrace.evaluation.zero_shot.checkpoints import models_by_step
from pretrace.evaluation.zero_shot.predictions import write_predictions
from pretrace.evaluation.zero_shot.tasks import ZeroShotResult, evaluate, read_tasks, task_report
from pretrace.schemas.models import PretrainReport
from pretrace.schemas.zero_shot import LanguageTestScore, ZeroShotReport, ZeroShotScore
from pretrace.settings import Settings
from pretrace.settings.zero_shot import OF_WORDS
from pretrace.tokens import load_vocabulary, vocabulary_folder
from pretrace.training.engine.device import Device


def zero_shot(
    settings: Settings, models: Path, tasks_folder: Path, trained: PretrainReport, device: Device, out: Path
) -> ZeroShotReport:
    """Score the models in `models`; return the contents of reports/zeroshot/<system>.json.

    Args:
        trained: reports/pretrain/<system>.json.
        out: an existing folder for `<task>.parquet`, the predictions with the final weights of each pre-training.

    Raises:
        PretraceError: a model, a task's rows or the file of a language test is missing, or not what it should be.
    """
    if trained.val_pair_loss is not None:
        return ZeroShotReport(tasks={}, language_tests={}, words=score_words(settings, models))
    if trained.val_loss is None:
        print(f"models {trained.loss_of} have no likelihood of a text: nothing is scored", file=sys.stderr)
        return ZeroShotReport(tasks={}, language_tests={})
    vocabulary = load_vocabulary(vocabulary_folder(models / settings.scale.kind))
    tasks = read_tasks(settings, tasks_folder, vocabulary)
    of_models = {name: test for name, test in settings.language_tests.items() if test.protocol not in OF_WORDS}
    tests = prepare_tests(of_models, vocabulary)
    task_scores: dict[str, dict[str, dict[str, ZeroShotScore]]] = {
        name: {column: {} for column in task.heuristics} for name, task in tasks.items()
    }
    test_scores: dict[str, dict[str, LanguageTestScore]] = {name: {} for name in tests}
    answers: dict[str, dict[int | None, dict[str, np.ndarray]]] = {name: {} for name in tasks}
    for model_name, seed in settings.pretrainings().items():
        results: dict[str, dict[int, dict[str, ZeroShotResult]]] = {name: {} for name in tasks}
        saved = models_by_step(models / model_name, trained.steps)
        for step, model in progress(saved, unit="models", description=model_name):
            model.to(device.name)
            for name, task in tasks.items():
                results[name][step] = evaluate(model, task, device)
        for name, task in tasks.items():
            for column in task.heuristics:
                by_step = {step: by_column[column] for step, by_column in results[name].items()}
                task_scores[name][column][model_name] = task_report(task, column, by_step)
            answers[name][seed] = {column: result.predictions for column, result in results[name][step].items()}
        for name, test in tests.items():
            test_scores[name][model_name] = test(model, device)
    for name, task in tasks.items():
        write_predictions(out / f"{name}.parquet", task.numbers, answers[name])
    return ZeroShotReport(tasks=task_scores, language_tests=test_scores)
