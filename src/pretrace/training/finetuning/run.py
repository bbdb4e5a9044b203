"""All seeds of one variant on one task, side by side, and what they say together.

A seed is one process with one thread: the bytes do not depend on the number of cores, and seeds share what there are.
A finished seed is kept under `.pretrace/seeds/<fingerprint>/` with its checksums, and not run again after a crash.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.code import code_hash
from pretrace.common.errors import PretraceError
from pretrace.common.files import (
    atomic_folder,
    checksums_match,
    locked,
    read_json,
    scratch_folder,
    sha256_of_file,
    write_checksums,
    write_json,
)
from pretrace.common.processes import exit_with_pool_owner
from pretrace.common.progress import progress
from pretrace.model.checkpoints.safetensors_file import save_tensors
from pretrace.settings import Settings
from pretrace.tasks.dataset import SPLITS, EncodedSplit, read_task
from pretrace.tasks.input_formats import is_truncated
from pretrace.tasks.kinds import KINDS
from pretrace.tasks.metrics import standard_error
from pretrace.training.engine.device import check_kernels, choose_device
from pretrace.training.engine.fingerprint import fingerprint
from pretrace.training.engine.memory import check_training_memory
from pretrace.training.finetuning.artifacts import CONFIG, MODEL, write_predictions, write_unlabeled
from pretrace.training.finetuning.config import Recipe, resolve_recipe
from pretrace.training.finetuning.finetune import finetune_seed, starting_model
from pretrace.training.finetuning.worker_pool import prepare_workers

RESULT = "result.json"
LOST = "a seed's process ended without a word: killed, or out of memory; seeds that are done are kept, run again"


def finetune_all_seeds(
    settings: Settings,
    task: str,
    variant: str,
    task_folder: Path,
    pretrained: Path,
    vocabulary_size: int,
    out: Path,
    predictions: Path,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fine-tune with every seed; write the best seed's model and the curves to `out`, and what all seeds answer.

    Args:
        task_folder: the task's rows.
        pretrained: the folder of the pre-trained models.
        predictions: the Parquet file for the answers to the test rows.

    Returns:
        The report (see design: one row of the benchmark, with what it was made with), and what depends on the clock.
    """
    note, splits = read_task(task_folder)
    report = {"task": task, "kind": note["kind"], "variant": variant, "metric": note["metric"]}
    report |= {"unavailable": note["unavailable"], "n_train": note["rows"].get("train", 0)}
    report |= {"n_dev": note["rows"].get("dev", 0), "n_eval": note["rows"].get("test", 0), "seeds": settings.seeds}
    recipe = resolve_recipe(settings, variant, note)
    report |= {"lr": recipe.lr, "epochs": recipe.epochs, "lm_weight": recipe.lm_weight}
    if note["unavailable"]:
        with atomic_folder(out) as temporary:
            write_json(temporary / "unavailable.json", report)
            (temporary / "curve.jsonl").touch()
        write_predictions(predictions, KINDS[note["kind"]], [])
        nothing: dict[str, Any] = {"score": None, "scores": [], "stderr": None, "cut": {}, "tokens": 0, "flops": 0}
        return report | nothing, {}
    kind = settings.variants[variant].model
    check_kernels(kind, choose_device(recipe.settings.precision, 1))
    check_training_memory(kind, settings, vocabulary_size)
    jobs = _Jobs(settings, variant, recipe, task_folder, pretrained, vocabulary_size)
    started = time.monotonic()
    folders = dict(jobs.run(f"{task}-{variant}"))
    results = [read_json(folders[seed] / RESULT) for seed in settings.seeds]
    scores = [result["test_score"] for result in results]
    middle = min(results, key=lambda r: (abs(r["test_score"] - statistics.median(scores)), r["seed"]))
    best = max(results, key=lambda result: max(result["dev_scores"]))
    labels = splits["test"].labels
    report |= {
        "score": round(statistics.median(scores), 6),
        "scores": [round(score, 6) for score in scores],
        "stderr": round(standard_error(recipe.metric, labels, np.array(middle["predictions"])), 6),
        "dev_scores": [round(max(result["dev_scores"]), 6) for result in results],
        "best_epochs": [result["best_epoch"] for result in results],
        "best_seed": best["seed"],
        "cut": {name: count_truncated(split, settings.scale.model.context) for name, split in splits.items()},
        "tokens": sum(result["tokens"] for result in results),
        "flops": sum(result["flops"] for result in results),
    }
    with atomic_folder(out) as temporary:
        shutil.copyfile(folders[best["seed"]] / MODEL, temporary / MODEL)
        own = {"seed": best["seed"], "recipe": recipe.as_dict(), "model": best["model"]}
        write_json(temporary / CONFIG, {**note, **own, "label_scale": best["label_scale"]})
        rows = [{"seed": r["seed"], **row} for r in results for row in r["curve"]]
        (temporary / "curve.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        write_unlabeled(temporary, task_folder)
    write_predictions(predictions, KINDS[note["kind"]], results)
    return report, {"seeds_seconds": round(time.monotonic() - started, 2)}


def count_truncated(split: EncodedSplit, context: int) -> int:
    """Return how many examples are too long for the context."""
    return int(is_truncated(np.diff(split.offsets).reshape(-1, split.parts), context).sum())


class _Jobs:
    """The seeds of one variant on one task, each with a folder named by all that it depends on."""

    def __init__(
        self, settings: Settings, variant: str, recipe: Recipe, task: Path, pretrained: Path, vocabulary_size: int
    ) -> None:
        self.settings, self.variant, self.recipe, self.task = settings, variant, recipe, task
        self.pretrained, self.vocabulary_size = pretrained, vocabulary_size
        chosen = settings.variants[variant]
        scale = settings.scale
        start: Any = {"random": scale.sizes_of(chosen.model).model_dump()}
        if chosen.pretrained:
            weights = pretrained / chosen.model / MODEL
            if not weights.is_file():
                raise PretraceError(f"{weights}: no such file; run the stage that writes it (`dvc repro pretrain`)")
            start = {"weights": sha256_of_file(weights), "layers": chosen.layers}
        name = fingerprint(
            start=start,
            recipe=recipe.as_dict(),
            rows={name: sha256_of_file(task / f"{name}.safetensors") for name in SPLITS},
            labels=read_json(task / "task.json")["labels"],
            vocabulary_size=vocabulary_size,
            context=scale.model.context,
            device=str(choose_device(recipe.settings.precision, 1)),
            code=code_hash("pretrace.training.finetuning.finetune"),
        )
        self.folder = scratch_folder() / "seeds" / name[:32]

    def run(self, title: str) -> Iterator[tuple[int, Path]]:
        """Run what is not done yet; yields each seed with the folder of its result."""
        with locked(self.folder / "lock"):
            waiting = []
            for seed in self.settings.seeds:
                if checksums_match(self.folder / str(seed)):
                    yield seed, self.folder / str(seed)
                else:
                    waiting.append(seed)
            if not waiting:
                return
            # More seeds than cores take turns, so no core waits for a last seed.
            workers = min(len(waiting), 2 * (os.cpu_count() or 1))
            pool = ProcessPoolExecutor(workers, mp_context=prepare_workers(), initializer=exit_with_pool_owner)
            with (
                pool,
                progress(total=len(waiting), unit="seed", description=title) as bar,
            ):
                for done in as_completed([pool.submit(self.one, seed) for seed in waiting]):
                    try:
                        seed = done.result()
                    except BrokenProcessPool:
                        raise PretraceError(LOST) from None
                    bar.update(1)
                    yield seed, self.folder / str(seed)

    def one(self, seed: int) -> int:
        """Fine-tune with one seed and keep the result; runs in a process of its own."""
        device = choose_device(self.recipe.settings.precision, 1)
        _, splits = read_task(self.task)
        start = starting_model(self.settings, self.variant, self.vocabulary_size, self.pretrained, seed)
        result, model = finetune_seed(start, self.recipe, splits, seed, device)
        with atomic_folder(self.folder / str(seed)) as temporary:
            save_tensors(temporary / MODEL, model)
            write_json(temporary / RESULT, asdict(result))
            write_checksums(temporary)
        return seed
