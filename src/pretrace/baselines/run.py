"""The baselines of a task: their predictions on its test rows, and their scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pretrace.baselines.answer import Answer, best, labels_of
from pretrace.baselines.bag_of_words import bag_of_words
from pretrace.baselines.kneser_ney import KneserNey
from pretrace.baselines.lsa import read_lsa
from pretrace.baselines.lsa_answers import lsa_answer
from pretrace.baselines.majority import best_constant, majority
from pretrace.baselines.ngram_answers import has_form, ngram_answer
from pretrace.baselines.ngrams import read_ngrams
from pretrace.baselines.seen_text import read_seen_ngrams, seen_rows
from pretrace.common.files import atomic_path
from pretrace.schemas.baselines import BaselineScore, BaselinesReport, BestConstant
from pretrace.tasks.rows.dataset import TaskData, read_rows
from pretrace.tasks.rows.encoded import read_encoded
from pretrace.tasks.rows.metrics import score, standard_error


def score_baselines(task_folder: Path, encoded: Path, text_models: Path, predictions: Path) -> BaselinesReport:
    """Read a task, write the predictions of its baselines, and return their scores.

    The file has a column for each baseline and a line for each test row, in order; neither if the task is unavailable.

    Args:
        task_folder: data/tasks/<task>.
        encoded: the same rows as ids of the vocabulary that the n-gram model counts.
        text_models: folder of the n-gram model and LSA.
        predictions: the Parquet file to write.

    Raises:
        PretraceError: a file is missing or not readable.
    """
    import pandas as pd

    task = read_rows(task_folder)
    answers: dict[str, Answer] = {}
    if not task.unavailable:
        answers = answers_of(task)
        if has_form(task):
            model = KneserNey(read_ngrams(text_models))
            answers["ngram"] = ngram_answer(task, read_encoded(encoded)[1], model)
        if lsa := lsa_answer(task, read_lsa(text_models)):
            answers["lsa"] = lsa
    table = pd.DataFrame({name: answer.predictions for name, answer in answers.items()})
    with atomic_path(predictions) as temporary:
        table.to_parquet(temporary, compression="zstd", index=False)
    parts = [row.parts for row in task.splits.get("test", ())]
    seen = None if task.unavailable else seen_rows(parts, read_seen_ngrams(text_models))
    return _report(task, scored_baselines(task, answers)).model_copy(update={"seen": seen})


def answers_of(task: TaskData) -> dict[str, Answer]:
    """Return the answers of those baselines that read nothing but the task, by name."""
    guess = Answer(np.full(len(task.splits["test"]), majority(task)[0]))
    return {"majority": guess, "tfidf": bag_of_words(task) or guess}


def scored_baselines(task: TaskData, answers: dict[str, Answer]) -> dict[str, BaselineScore]:
    """Return the score of each baseline on the test rows, and what was chosen on dev."""
    return {name: _scored(task, answer) for name, answer in answers.items()}


def _report(task: TaskData, scores: dict[str, BaselineScore]) -> BaselinesReport:
    if task.unavailable:
        return BaselinesReport(unavailable=task.unavailable, baselines={})
    report = BaselinesReport(unavailable=None, baselines=scores, majority_is_tied=majority(task)[1])
    constant = best_constant(task)
    if constant is None:
        return report
    test = labels_of(task, "test")
    reached = round(score(task.metric, test, np.full(len(test), constant)), 6)
    return report.model_copy(update={"best_constant": BestConstant(answer=constant, score=reached)})


def _scored(task: TaskData, answer: Answer) -> BaselineScore:
    test = labels_of(task, "test")
    return BaselineScore(
        score=round(score(task.metric, test, answer.predictions), 6),
        stderr=round(standard_error(task.metric, test, answer.predictions), 6),
        chosen=answer.candidates[best(answer.candidates)] if answer.candidates else None,
        candidates=answer.candidates,
        train_rows=answer.train_rows,
    )
