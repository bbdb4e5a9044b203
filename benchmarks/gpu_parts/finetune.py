"""Fine-tuning of all seeds of a task of made-up pairs, as long as RTE's: one seed alone, then all at once."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpu_parts.made_up import write_pairs
from gpu_parts.sizes import VARIANT, Sizes
from measure import timed

from pretrace.schemas.finetuning import SeedResult
from pretrace.schemas.machines.gpu import GpuFinetuning
from pretrace.schemas.record import read_record

TASK = "pairs"
LOOKS = 0.2
"""Seconds between two looks at the memory."""


def measure_finetuning(sizes: Sizes, scale: str, seconds: float) -> Iterator[tuple[str, str, Any]]:
    """Yield the time of one seed alone, then that and the time of all at once."""
    from pretrace.training.finetuning.config import resolve_recipe
    from pretrace.training.finetuning.seed_jobs import RESULT, SeedJobs

    settings = sizes.settings(scale)
    vocabulary, seeds = settings.scale.vocabulary.size, settings.seeds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DVC_ROOT"] = name  # where finished seeds are
        record = write_pairs(folder / TASK, vocabulary, sizes.rows, sizes.part_words)
        recipe = resolve_recipe(settings, VARIANT, TASK, record)

        def run(chosen: list[int]) -> list[SeedResult]:
            own = sizes.settings(scale, chosen)
            jobs = SeedJobs(own, VARIANT, recipe, folder / TASK, folder, vocabulary)
            jobs.run(TASK)
            return [read_record(jobs.folder(job) / RESULT, SeedResult) for job in jobs.jobs]

        (alone,), spent = timed(lambda: run([max(seeds) + 1]))
        so_far = {
            **{"rows": sizes.rows[0], "epochs": recipe.epochs, "tokens": alone.tokens},
            **{"seconds_alone": round(spent, 2), "seeds": len(seeds)},
        }
        yield "finetuning", scale, GpuFinetuning(**so_far)
        with gpu_memory_peak() as peak:
            results, spent = timed(lambda: run(seeds))
        scores = [round(result.test_score, 4) for result in results]
        memory = {"peak_memory_bytes": max(peak)} if peak else {}
        yield "finetuning", scale, GpuFinetuning(**so_far, seconds_at_once=round(spent, 2), scores=scores, **memory)


@contextlib.contextmanager
def gpu_memory_peak() -> Iterator[list[int]]:
    """Yield a list to which the bytes of the GPU that are in use, by all processes, are added; empty on a CPU."""
    seen: list[int] = []
    import torch

    if not torch.cuda.is_available():
        yield seen
        return
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOKS):
            free, total = torch.cuda.mem_get_info()
            seen.append(total - free)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
