"""`pretrace fewshot`: a system's tasks as prompts with examples, beside the columns of the table on the same rows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.progress import progress
from pretrace.common.provenance import provenance
from pretrace.evaluation.prompts.beside import scores_beside, stderr_of_mean
from pretrace.evaluation.prompts.clean_rows import CleanRows, find_clean_rows
from pretrace.evaluation.prompts.in_context import measure_in_context
from pretrace.evaluation.prompts.scorer import Answered, TaskScorer
from pretrace.evaluation.prompts.tasks import PromptTask, read_prompt_task
from pretrace.evaluation.prompts.text import PromptText
from pretrace.evaluation.prompts.written.tasks import SequencePromptTask, read_sequence_task
from pretrace.evaluation.prompts.written.writer import TaskWriter
from pretrace.evaluation.zero_shot.checkpoints import models_by_step
from pretrace.evaluation.zero_shot.heuristics import chance, harmonic_mean
from pretrace.model import LanguageModel
from pretrace.schemas.few_shot import FewShotReport, FewShotTask, RowsInTraining, ShotScore
from pretrace.schemas.models import ModelConfig, PretrainReport
from pretrace.schemas.record import read_record, write_record
from pretrace.settings import Settings
from pretrace.tokens import Vocabulary, load_vocabulary, vocabulary_folder
from pretrace.tokens.shards import open_shards
from pretrace.training.engine.device import Device, choose_device

TRAINING = Path("data/clean/train")
FEWEST_OF_FEW = 2
"""Examples from which a prompt is few-shot."""


def few_shot(settings: Settings, root: Path = Path()) -> FewShotReport:
    """Score the first pre-training of a system, write reports/fewshot/<system>.json and return it.

    Args:
        settings: of the system (`Settings.of_system`).
        root: of the project.

    Raises:
        PretraceError: rows, a prompt or the model are missing or not what they should be, or the model predicts no next
            tokens. All prompts are read before the model is.
    """
    started, few = time.monotonic(), settings.few_shot
    name, model_name, folder = settings.system_name, next(iter(settings.pretrainings())), model_folder(settings, root)
    trained = read_record(root / "reports" / "pretrain" / f"{name}.json", PretrainReport)
    if trained.val_loss is None:
        raise PretraceError(
            f"system {name} learned {trained.loss_of} and has no likelihood of a text; prompts are for systems that "
            "predict next tokens"
        )
    vocabulary, context = open_vocabulary(settings, root)
    tasks = read_tasks_at(settings, vocabulary, context, root)
    device = choose_device(settings.scale.pretrain.precision, settings.scale.threads)
    stream = open_shards(root / "data" / "shards" / name, "validation", vocabulary.fingerprint)
    in_context = []
    for step, model in models_by_step(folder, trained.steps):
        in_context.append(measure_in_context(step, model.to(device.name), vocabulary, stream, device))
    scored = score_tasks(tasks, model, settings, device, root)
    known_here: dict[str, Any] = provenance()
    report = FewShotReport(
        scale=settings.scale_name,
        system=name,
        model=model_name,
        context=context,
        seeds=few.seeds,
        balanced=few.balanced,
        tasks=scored,
        in_context=in_context,
        seconds=round(time.monotonic() - started, 1),
        **known_here,
    )
    write_record(root / "reports" / "fewshot" / f"{name}.json", report)
    return report


def score_tasks(
    tasks: Sequence[PromptTask], model: LanguageModel, settings: Settings, device: Device, root: Path
) -> dict[str, FewShotTask]:
    """Return the scores of a model on tasks with each number of examples, by task."""
    clean = find_clean_rows(tasks, root / TRAINING) if settings.few_shot.contamination else {}
    return {task.name: _task_report(task, model, clean.get(task.name), settings, device, root) for task in tasks}


def model_folder(settings: Settings, root: Path) -> Path:
    """Return the folder of a system's first pre-training."""
    return root / "models" / "pretrained" / settings.system_name / next(iter(settings.pretrainings()))


def open_vocabulary(settings: Settings, root: Path) -> tuple[Vocabulary, int]:
    """Return the vocabulary and the context of a system's model, without its weights."""
    folder = model_folder(settings, root)
    vocabulary = load_vocabulary(vocabulary_folder(folder))
    return vocabulary, read_record(folder / "config.json", ModelConfig).context


def read_prompt_tasks(
    settings: Settings, names: Iterable[str], vocabulary: Vocabulary, context: int, root: Path
) -> list[PromptTask]:
    """Read tasks with their prompts; those without rows are left out."""
    folder, text = root / "data" / "tasks", PromptText(vocabulary)
    read = (
        read_sequence_task(name, settings, text, context, root)
        if name in settings.sequences
        else read_prompt_task(name, settings, folder, text, context, root)
        for name in names
    )
    return [task for task in read if task]


def read_tasks_at(settings: Settings, vocabulary: Vocabulary, context: int, root: Path) -> list[PromptTask]:
    """Read the tasks of `few_shot` with their prompts, for a model with so many tokens of context."""
    names = settings.few_shot.tasks or [*settings.tasks, *settings.sequences]
    return read_prompt_tasks(settings, names, vocabulary, context, root)


def scorer_of(task: PromptTask, model: LanguageModel, device: Device) -> TaskScorer | TaskWriter:
    """Return what answers the rows of a task, by comparing answers or by writing them."""
    return TaskWriter(task, model) if isinstance(task, SequencePromptTask) else TaskScorer(task, model, device)


def _task_report(
    task: PromptTask, model: LanguageModel, clean: CleanRows | None, settings: Settings, device: Device, root: Path
) -> FewShotTask:
    few, scorer, rows = settings.few_shot, scorer_of(task, model, device), []
    scorer.clean_N = clean.clean_N if clean else None
    seeds = {shots: few.seeds if shots else few.seeds[:1] for shots in sorted(few.shots)}
    with progress(total=sum(map(len, seeds.values())), unit="draw", description=task.name) as bar:
        for shots, own in seeds.items():
            dev, test = [], []
            for seed in own:
                dev.append(scorer.answer("dev", seed, shots))
                test.append(scorer.answer("test", seed, shots))
                bar.update(1)
            rows.append(_shot_score(shots, dev, test))
    few_rows = [row for row in rows if row.shots >= FEWEST_OF_FEW]
    best = max(few_rows, key=lambda row: row.dev_score, default=None)
    form, labels_N = task.form, task.labels("test")
    writes = isinstance(task, SequencePromptTask)
    test_rows = [task.data.splits["test"][number] for number in task.numbers["test"]]
    answers = harmonic_mean(np.array([len(form.answers(row)) for row in test_rows]))
    beside = {} if writes else scores_beside(task.name, task.data.metric, task.numbers["test"], settings, root / "data")
    return FewShotTask(
        prompt=form.name,
        kind=task.data.kind,
        metric=task.data.metric,
        chance=0.0 if writes else round(chance(task.data.metric, labels_N, answers), 6),
        calibrated=bool(task.assembler.content_free),
        n=len(labels_N),
        n_dev=len(task.numbers["dev"]),
        shots=rows,
        chosen=best.shots if best else None,
        beside=beside,
        signatures=test[0].signatures,
        contamination=_contamination(clean),
    )


def _contamination(clean: CleanRows | None) -> RowsInTraining | None:
    if clean is None:
        return None
    return RowsInTraining(words=clean.words, found=int((~clean.clean_N).sum()), too_short=clean.too_short)


def _shot_score(shots: int, dev: list[Answered], test: list[Answered]) -> ShotScore:
    scores, clean = [one.score for one in test], [one.clean_score for one in test if one.clean_score is not None]
    spread = {"spread": round(float(np.std(scores, ddof=1)), 6)} if len(scores) > 1 else {}
    return ShotScore(
        shots=shots,
        examples=round(float(np.mean([one.examples for one in test])), 3),
        scores=[round(score, 6) for score in scores],
        score=round(float(np.mean(scores)), 6),
        stderr=round(stderr_of_mean(scores, [one.stderr for one in test]), 6),
        **spread,
        dev_score=round(float(np.mean([one.score for one in dev])), 6),
        cut=max(one.cut for one in test),
        clean_score=round(float(np.mean(clean)), 6) if clean else None,
        metrics={name: round(float(np.mean([one.metrics[name] for one in test])), 6) for name in test[0].metrics},
    )
