"""The seeds of one variant on one task, each in a process of its own.

A seed has one thread: the bytes do not depend on the number of cores, and seeds share the cores. A finished seed is
cached in `.pretrace/seeds/<fingerprint>/` with its checksums, so that it is not run again after a crash.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
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
from pretrace.schemas.finetuning import FinetuneRecipe
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import Settings
from pretrace.tasks.dataset import SPLITS, TASK, read_task
from pretrace.training.engine.device import choose_device
from pretrace.training.engine.fingerprint import fingerprint
from pretrace.training.finetuning.artifacts import MODEL
from pretrace.training.finetuning.finetune import finetune_seed, starting_model
from pretrace.training.finetuning.worker_pool import prepare_workers

RESULT = "result.json"
WORKER_DIED = (
    "a worker died without an error (killed or out of memory); finished seeds are cached: run the command again"
)


class SeedJobs:
    """All seeds of the settings, in a folder named by all that their results depend on.

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
        self.pretrained, self.vocabulary_size = pretrained, vocabulary_size
        name = fingerprint(
            start=self._start(),
            recipe=recipe.model_dump(),
            rows={name: sha256_of_file(task / f"{name}.safetensors") for name in SPLITS},
            labels=read_record(task / TASK, TaskRecord).labels,
            vocabulary_size=vocabulary_size,
            context=settings.scale.model.context,
            device=str(choose_device(recipe.precision, 1)),
            code=code_hash("pretrace.training.finetuning.finetune"),
        )
        self.folder = scratch_folder() / "seeds" / name[:32]

    def _start(self) -> dict[str, Any]:
        """Return all that the starting weights depend on, besides the seed."""
        variant = self.settings.variants[self.variant]
        if not variant.pretrained:
            return {"random": self.settings.scale.sizes_of(variant.model).model_dump()}
        weights = self.pretrained / variant.model / MODEL
        if not weights.is_file():
            raise PretraceError(f"{weights}: no such file; run the stage that writes it (`dvc repro pretrain`)")
        return {"weights": sha256_of_file(weights), "layers": variant.layers}

    def run(self, title: str) -> Iterator[tuple[int, Path]]:
        """Run the seeds that are not cached; yield each seed with the folder of its result.

        Raises:
            PretraceError: a worker died.
        """
        with locked(self.folder / "lock"):
            waiting = []
            for seed in self.settings.seeds:
                if checksums_match(self.folder / str(seed)):
                    yield seed, self.folder / str(seed)
                else:
                    waiting.append(seed)
            if waiting:
                yield from self._run_in_workers(waiting, title)

    def _run_in_workers(self, seeds: list[int], title: str) -> Iterator[tuple[int, Path]]:
        # More seeds than cores take turns, so no core waits for a last seed.
        workers = min(len(seeds), 2 * (os.cpu_count() or 1))
        pool = ProcessPoolExecutor(workers, mp_context=prepare_workers(), initializer=exit_with_pool_owner)
        with pool, progress(total=len(seeds), unit="seed", description=title) as bar:
            for done in as_completed([pool.submit(self.run_seed, seed) for seed in seeds]):
                try:
                    seed = done.result()
                except BrokenProcessPool:
                    raise PretraceError(WORKER_DIED) from None
                bar.update(1)
                yield seed, self.folder / str(seed)

    def run_seed(self, seed: int) -> int:
        """Fine-tune with one seed and cache the result; runs in a worker."""
        _, splits = read_task(self.task)
        start = starting_model(self.settings, self.variant, self.vocabulary_size, self.pretrained, seed)
        result, model = finetune_seed(start, self.recipe, splits, seed, choose_device(self.recipe.precision, 1))
        with atomic_folder(self.folder / str(seed)) as temporary:
            save_tensors(temporary / MODEL, model)
            write_record(temporary / RESULT, result)
            write_checksums(temporary)
        return seed
