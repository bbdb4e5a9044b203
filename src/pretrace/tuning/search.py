"""A search on dev: fine-tune each variant with the same few rates and passes, and record the dev scores.

    .pretrace/search/<fingerprint>/<seed>.json    a finished fine-tuning, so that a search goes on where it was stopped
    reports/search.json                           the record, which the page shows

No test row is predicted: a fine-tuning gets the dev rows in the place of the test rows. What the stage `finetune` has
finished with the same setting and seed is not run again; of its result, too, only the dev scores are read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from pretrace.common.errors import PretraceError
from pretrace.common.files import checksums_match, locked, scratch_folder
from pretrace.common.processes import exit_with_pool_owner
from pretrace.common.progress import progress
from pretrace.common.provenance import provenance
from pretrace.report.search import state_of
from pretrace.schemas.finetuning import DevScores, SearchedSetting, SearchRecord, SeedResult
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import Settings
from pretrace.tasks.rows.dataset import TASK
from pretrace.tasks.rows.encoded import read_encoded
from pretrace.training.finetuning.cells import vocabulary_size
from pretrace.training.finetuning.config import resolve_recipe
from pretrace.training.finetuning.job import Job
from pretrace.training.finetuning.seed_jobs import RESULT, SeedJobs
from pretrace.training.finetuning.worker_pool import prepare_workers


class Trial(NamedTuple):
    """A setting of one variant on one task, and its fine-tunings: one for each seed."""

    task: str
    variant: str
    lr_factor: float
    jobs: SeedJobs


def search_on_dev(
    settings: Settings, data: Path = Path("data"), models: Path = Path("models"), folder: Path = Path("reports")
) -> SearchRecord:
    """Fine-tune with every setting of `settings.search`, write search.json under `folder` and return it.

    Args:
        data: has the rows of the tasks as ids, in `encoded/`.
        models: has the pre-trained models, in `pretrained/`.

    Raises:
        PretraceError: a variant is unknown, a stage before this has not run, or a worker died.
    """
    if unknown := [name for name in settings.search.variants if name not in settings.variants]:
        known = ", ".join(settings.variants)
        raise PretraceError(f"params.yaml: search.variants: got {unknown[0]!r}; takes names of `variants`: {known}")
    if heads := [name for name in settings.search.variants if settings.variants[name].transfer == "features"]:
        raise PretraceError(
            f"params.yaml: search.variants: got {heads[0]!r}, which has `transfer: features`; takes variants that are "
            "fine-tuned"
        )
    started = time.monotonic()
    with locked(scratch_folder() / "search" / "lock", wait=False):
        trials = list(_trials(settings, data / "encoded", models / "pretrained"))
        if not trials:
            raise PretraceError("no task has rows to search with; `reports/tasks/` says why")
        fine_tunings = _run(trials)
    known_here: dict[str, Any] = settings.search.model_dump() | provenance()
    record = SearchRecord(
        scale=settings.scale_name,
        settings=[_searched(trial) for trial in trials],
        made_from=state_of(settings, data, models),
        seconds=round(time.monotonic() - started, 1),
        fine_tunings=fine_tunings,
        **known_here,
    )
    write_record(folder / "search.json", record)
    return record


def _trials(settings: Settings, rows: Path, pretrained: Path) -> Iterator[Trial]:
    search = settings.search
    for task, variant, factor, epochs in product(settings.tasks, search.variants, search.lr_factors, search.epochs):
        system = settings.system_of(variant)
        of_task, models = rows / system / task, pretrained / system
        record = read_record(of_task / TASK, TaskRecord)
        if record.unavailable:
            continue
        own = _with(settings.of_system(system), variant, factor, epochs)
        recipe = resolve_recipe(own, variant, task, record)
        jobs = SeedJobs(own, variant, recipe, of_task, models, vocabulary_size(own, models))
        yield Trial(task, variant, factor, jobs)


def _with(settings: Settings, variant: str, factor: float, epochs: int) -> Settings:
    """Return the settings of one trial: its rate, its passes, the seeds of the search, the first pre-training."""
    changed = settings.variants[variant].model_copy(update={"lr": None, "lr_factor": factor, "epochs": epochs})
    first = settings.pretrain.model_copy(update={"seeds": settings.pretrain.seeds[:1]})
    own: dict[str, Any] = {"variants": {variant: changed}, "seeds": settings.search.seeds, "pretrain": first}
    return settings.model_copy(update=own)


def _run(trials: list[Trial]) -> int:
    """Run the fine-tunings that are not finished, all in one pool; return their number."""
    waiting = [(one.jobs, job) for one in trials for job in one.jobs.jobs if _finished(one.jobs, job) is None]
    if not waiting:
        return 0
    workers = min(len(waiting), os.cpu_count() or 1)
    pool = ProcessPoolExecutor(workers, mp_context=prepare_workers(), initializer=exit_with_pool_owner)
    with pool, progress(total=len(waiting), unit="fine-tuning", description="search") as bar:
        try:
            for done in as_completed([pool.submit(finetune_on_dev, *one) for one in waiting]):
                done.result()
                bar.update(1)
        except BrokenProcessPool:
            raise PretraceError(
                "a worker died without an error (killed or out of memory); run `pretrace search` again: it goes on"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
    return len(waiting)


def finetune_on_dev(jobs: SeedJobs, job: Job) -> None:
    """Fine-tune with one setting and one seed and write its dev scores; runs in a worker."""
    _, splits = read_encoded(jobs.task)
    result, _ = jobs.finetune(job, splits | {"test": splits["dev"]})
    write_record(_place(jobs, job), DevScores(dev_scores=result.dev_scores))


def _finished(jobs: SeedJobs, job: Job) -> list[float] | None:
    """Return the dev scores after each epoch, by this search or by the stage; None if neither has run this."""
    if _place(jobs, job).exists():
        return read_record(_place(jobs, job), DevScores).dev_scores
    if checksums_match(jobs.folder(job)):
        return read_record(jobs.folder(job) / RESULT, SeedResult).dev_scores
    return None


def _place(jobs: SeedJobs, job: Job) -> Path:
    return scratch_folder() / "search" / jobs.folder(job).parent.name / f"{job.seed}.json"


def _searched(trial: Trial) -> SearchedSetting:
    scores = [_finished(trial.jobs, job) for job in trial.jobs.jobs]
    recipe = trial.jobs.recipe
    return SearchedSetting(
        task=trial.task,
        variant=trial.variant,
        lr_factor=trial.lr_factor,
        lr=recipe.lr,
        epochs=recipe.epochs,
        dev_scores=[round(max(one), 6) for one in scores if one],
    )
