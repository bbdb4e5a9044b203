"""The fine-tunings of one variant on one task, each in a process of its own: every seed from every pre-training.

Each has one thread: the bytes do not depend on the number of cores, and all share the cores. A finished one is cached
in `.pretrace/seeds/<fingerprint>/<seed>/` with its checksums, so that it is not run again after a crash. The
fingerprint is of the pre-trained weights, too, and not of their seed.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pretrace.common.code import code_hash
from pretrace.common.errors import PretraceError
from pretrace.common.files import (
    atomic_folder,
    checksums_match,
    locked,
    scratch_folder,
    sha256_of_file,
    write_checksums,
)
from pretrace.common.processes import exit_with_pool_owner
from pretrace.common.progress import progress
from pretrace.model.checkpoints.safetensors_file import save_tensors
from pretrace.schemas.finetuning import FinetuneRecipe, SeedResult
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import Settings
from pretrace.tasks.rows.dataset import SPLITS, TASK
from pretrace.tasks.rows.encoded import EncodedSplit, read_encoded
from pretrace.training.engine.device import choose_device
from pretrace.training.engine.fingerprint import fingerprint
from pretrace.training.finetuning.artifacts import MODEL
from pretrace.training.finetuning.finetune import finetune_seed, starting_model
from pretrace.training.finetuning.job import Job
from pretrace.training.finetuning.task_head import TaskModel
from pretrace.training.finetuning.worker_pool import prepare_workers

RESULT = "result.json"
WORKER_DIED = (
    "a worker died without an error (killed or out of memory); finished seeds are cached: run the command again"
)


class SeedJobs:
    """All fine-tunings of the settings, in folders named by all that their results depend on.

    Args:
        task: folder of the task's rows.
        pretrained: folder of the pre-trained models.
    """

    def __init__(
        self,
        settings: Settings,
        variant: str,
        recipe: FinetuneRecipe,
        task: Path,
        pretrained: Path,
        vocabulary_size: int,
    ) -> None:
        self.settings, self.variant, self.recipe, self.task = settings, variant, recipe, task
        self.vocabulary_size = vocabulary_size
        self.starts = starting_folders(settings, variant, pretrained)
        common = {
            "recipe": recipe.model_dump(),
            "rows": {name: sha256_of_file(task / f"{name}.safetensors") for name in SPLITS},
            "labels": read_record(task / TASK, TaskRecord).labels,
            "vocabulary_size": vocabulary_size,
            "context": settings.scale.model.context,
            "device": str(choose_device(recipe.precision, 1)),
            "code": code_hash("pretrace.training.finetuning.finetune"),
        }
        names = {seed: fingerprint(start=self._describe(folder), **common) for seed, folder in self.starts.items()}
        self.folders = {seed: scratch_folder() / "seeds" / name[:32] for seed, name in names.items()}
        self.jobs = [Job(start, seed) for start in self.starts for seed in settings.seeds]
        """In the order of the report: all seeds from the first pre-training, then all from the next."""

    def folder(self, job: Job) -> Path:
        """Return the folder of a fine-tuning's result."""
        return self.folders[job.pretrain_seed] / str(job.seed)

    def _describe(self, pretrained: Path | None) -> dict[str, Any]:
        """Return all that the starting weights depend on, besides the seed of the fine-tuning."""
        if pretrained is None:
            return {"random": self.settings.scale.sizes.model_dump(exclude_defaults=True)}
        weights = pretrained / MODEL
        if not weights.is_file():
            raise PretraceError(f"{weights}: no such file; run the stage that writes it (`dvc repro pretrain`)")
        return {"weights": sha256_of_file(weights), "layers": self.settings.variants[self.variant].layers}

    def run(self, title: str) -> None:
        """Run the fine-tunings that are not cached.

        Raises:
            PretraceError: a worker died.
        """
        with ExitStack() as locks:
            for folder in sorted(set(self.folders.values())):  # in one order, so that no two processes wait for another
                locks.enter_context(locked(folder / "lock"))
            if waiting := [job for job in self.jobs if not checksums_match(self.folder(job))]:
                self._run_in_workers(waiting, title)

    def _run_in_workers(self, jobs: list[Job], title: str) -> None:
        # More seeds than cores take turns, so no core waits for a last seed.
        workers = min(len(jobs), 2 * (os.cpu_count() or 1))
        pool = ProcessPoolExecutor(workers, mp_context=prepare_workers(), initializer=exit_with_pool_owner)
        with pool, progress(total=len(jobs), unit="seed", description=title) as bar:
            for done in as_completed([pool.submit(self.run_job, job) for job in jobs]):
                try:
                    done.result()
                except BrokenProcessPool:
                    raise PretraceError(WORKER_DIED) from None
                bar.update(1)

    def run_job(self, job: Job) -> None:
        """Fine-tune with one seed and cache the result; runs in a worker."""
        result, model = self.finetune(job, read_encoded(self.task)[1])
        with atomic_folder(self.folder(job)) as temporary:
            save_tensors(temporary / MODEL, model)
            write_record(temporary / RESULT, result)
            write_checksums(temporary)

    def finetune(self, job: Job, splits: dict[str, EncodedSplit]) -> tuple[SeedResult, TaskModel]:
        """Fine-tune on these rows; return the result and the model of the best epoch."""
        pretrained = self.starts[job.pretrain_seed]
        start = starting_model(self.settings, self.variant, self.vocabulary_size, pretrained, job.seed)
        return finetune_seed(start, self.recipe, splits, job.seed, choose_device(self.recipe.precision, 1))


def starting_folders(settings: Settings, name: str, pretrained: Path) -> dict[int | None, Path | None]:
    """Return the folder of each pre-trained model that a variant starts from, by its seed; None for random weights."""
    if not settings.variants[name].pretrained:
        return {None: None}
    return {seed: pretrained / folder for folder, seed in settings.pretrainings().items()}
