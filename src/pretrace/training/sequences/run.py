"""Train a learner on a task with every seed; score what it writes; keep the model that is best on dev.

    models/sequences/<task>-<learner>/config.json, model.safetensors, vocabulary/    the best model
                                      curve.jsonl          losses of all trainings
    data/sequence_predictions/<task>-<learner>.parquet     a line for each training and test row

A finished training is cached in `.pretrace/sequences/<fingerprint>/` with its checksums and not run again.
"""

from __future__ import annotations

import json
import math
import shutil
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pretrace.common.code import code_hash
from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, atomic_path, checksums_match, scratch_folder, write_checksums
from pretrace.model.checkpoints.safetensors_file import save_tensors
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.sequences.learned import LearnedSeed, LearnReport, WrittenCurvePoint, WrittenScore
from pretrace.schemas.sequences.rows import SequenceTaskRecord
from pretrace.sequences.metrics import TextScore, score_texts
from pretrace.sequences.rows import SequenceRow, read_rows
from pretrace.settings import MODEL_KINDS, Settings
from pretrace.tokens import copy_vocabulary
from pretrace.training.engine.checkpoint import Checkpoints, checkpoint_folder
from pretrace.training.engine.device import Device, check_kernels, choose_device
from pretrace.training.engine.fingerprint import fingerprint
from pretrace.training.sequences.learners import Learner, learner_of
from pretrace.training.sequences.pairs import Pair, encoded, source_text
from pretrace.training.sequences.start import VOCABULARY, Start, start_of
from pretrace.training.sequences.trainer import PairTrainer
from pretrace.training.sequences.write import too_long, write_targets

RESULT, MODEL, CONFIG, CURVE = "result.json", "model.safetensors", "config.json", "curve.jsonl"
CONFIDENCE = 1.96
"""Standard errors in half an interval of 95 %."""


class Work(NamedTuple):
    """All that the trainings of a cell share."""

    title: str
    settings: Settings
    start: Start
    metrics: list[str]
    rows: dict[str, list[SequenceRow]]
    pairs: dict[str, list[Pair]]
    """Of the rows by split; of train those that fit."""
    left_out: int
    longest_target: int
    lr: float
    device: Device

    def learner(self, seed: int) -> Learner:
        """Return the model before its first step."""
        return learner_of(self.start.model(seed), self.start.vocabulary.document_end_id, self.longest_target)


def learn_all_seeds(
    settings: Settings, task: str, name: str, rows: Path, pretrained: Path, out: Path, predictions: Path
) -> LearnReport:
    """Train with every seed; write the folder `out` and the file of predictions; return the cell's report.

    Args:
        name: of the learner.
        rows: folder of the task's rows.
        pretrained: folder of the pre-trained models, by system.

    Raises:
        PretraceError: no training row fits the context, or training stopped.
    """
    record, data = read_rows(rows)
    scratch = scratch_folder() / "sequences" / f"{task}-{name}"
    learned = [row for row in data.splits["train"] if source_text(row).strip() and row.targets[0].strip()]
    if record.unavailable or not learned:
        reason = record.unavailable or "has no training rows with a source and a target"
        return _unavailable(settings, task, name, record.metrics[0], reason, out, predictions)
    work = _prepare(settings, task, name, record, data.splits | {"train": learned}, pretrained, scratch)
    results = {seed: _cached(work, seed) for seed in settings.seeds}
    best = max(results, key=lambda seed: (results[seed][1].dev, -settings.seeds.index(seed)))
    with atomic_folder(out) as temporary:
        for file in (MODEL, CONFIG):
            shutil.copyfile(results[best][0] / file, temporary / file)
        copy_vocabulary(work.start.vocabulary.files[0].parent, temporary / VOCABULARY)
        lines = [(folder / CURVE).read_text(encoding="utf-8") for folder, _ in results.values()]
        (temporary / CURVE).write_text("".join(lines), encoding="utf-8")
    _write_predictions(predictions, data.splits["test"], {seed: result for seed, (_, result) in results.items()})
    return _report(work, task, name, [result for _, result in results.values()], best)


def _prepare(
    settings: Settings,
    task: str,
    name: str,
    record: SequenceTaskRecord,
    rows: dict[str, list[SequenceRow]],
    pretrained: Path,
    scratch: Path,
) -> Work:
    scale, title = settings.learner_scale(name), f"{task}-{name}"
    device = choose_device(scale.pretrain.precision, scale.threads)
    if scale.kind in MODEL_KINDS:
        check_kernels(scale.kind, device)
    start = start_of(settings, name, rows["train"], pretrained, scratch)
    pairs = {split: encoded(own, start.vocabulary) for split, own in rows.items()}
    end = start.vocabulary.document_end_id
    fits = learner_of(start.model(0), end, 0).fits
    kept = [pair for pair in pairs["train"] if fits(pair)]
    left_out = len(pairs["train"]) - len(kept)
    context = scale.model.context
    if not kept:
        raise PretraceError(
            f"{title}: each of the {left_out:,} training rows is longer than the context of {context} tokens; shorten "
            "the texts, or take a scale with a larger `model.context`"
        )
    if left_out:
        longest = max(range(len(pairs["train"])), key=lambda number: pairs["train"][number].longest)
        where, tokens = rows["train"][longest].origin, pairs["train"][longest].longest
        print(
            f"pretrace: {title}: {left_out:,} of {len(pairs['train']):,} training rows do not fit the context of "
            f"{context} tokens and are left out; the longest text has {tokens:,} ({where or 'made'})"
        )
    sizes = scale.pairs
    lr = sizes.pretrained_lr if settings.learners[name].pretrained else sizes.lr
    longest_target = max(len(pair.target) for pair in kept)
    pairs["train"] = kept
    return Work(title, settings, start, record.metrics, rows, pairs, left_out, longest_target, lr, device)


def _cached(work: Work, seed: int) -> tuple[Path, LearnedSeed]:
    """Return the folder and the result of one training, which is made if it is not cached."""
    parts: dict[str, Any] = {
        "settings": work.start.scale.pairs.model_dump(),
        "start": work.start.describe(),
        "vocabulary": work.start.vocabulary.fingerprint,
        "rows": {split: [[row.source, row.context, *row.targets] for row in own] for split, own in work.rows.items()},
        "metrics": work.metrics,
        "lr": work.lr,
        "seed": seed,
        "device": str(work.device),
        "code": code_hash(__name__),
    }
    name = fingerprint(**parts)
    folder = scratch_folder() / "sequences" / name[:32]
    if not checksums_match(folder):
        _train(work, seed, folder, Checkpoints(checkpoint_folder(name)))
    return folder, read_record(folder / RESULT, LearnedSeed)


def _train(work: Work, seed: int, folder: Path, checkpoints: Checkpoints) -> None:
    """Make one training, and write its folder, whole or not at all."""
    learner, sizes = work.learner(seed), work.start.scale.pairs
    dev = [pair for pair in work.pairs["dev"] if learner.fits(pair)]
    trainer = PairTrainer(learner, work.pairs["train"], dev, sizes, work.lr, seed, work.device)
    trainer.train(checkpoints, f"{work.title}, seed {seed}")
    dev_loss = trainer.dev_loss()
    learner.module.eval()
    vocabulary = work.start.vocabulary
    of_dev = write_targets(learner, work.pairs["dev"], vocabulary, sizes, 1)
    greedy = write_targets(learner, work.pairs["test"], vocabulary, sizes, 1)
    found = write_targets(learner, work.pairs["test"], vocabulary, sizes, sizes.beams) if sizes.beams > 1 else greedy
    result = LearnedSeed(
        seed=seed,
        dev_loss=dev_loss,
        dev=round(_main_score(work, "dev", of_dev).score, 6),
        written=found,
        greedy=greedy,
        tokens=trainer.tokens,
    )
    with atomic_folder(folder) as temporary:
        save_tensors(temporary / MODEL, learner.module)
        write_record(temporary / CONFIG, learner.model.describe())
        write_record(temporary / RESULT, result)
        points = [WrittenCurvePoint(seed=seed, **row).as_json() for row in checkpoints.curve.read(sizes.steps)]
        (temporary / CURVE).write_text("".join(json.dumps(point) + "\n" for point in points), encoding="utf-8")
        write_checksums(temporary)


def _main_score(work: Work, split: str, texts: Sequence[str]) -> TextScore:
    main = work.metrics[0]
    rows = work.rows[split]
    return score_texts([main], texts, [row.targets for row in rows], [row.source for row in rows])[main]


def _report(work: Work, task: str, name: str, results: Sequence[LearnedSeed], best: int) -> LearnReport:
    references, sources = [row.targets for row in work.rows["test"]], [row.source for row in work.rows["test"]]
    by_seed = [score_texts(work.metrics, result.written, references, sources) for result in results]
    greedy = [_main_score(work, "test", result.greedy) for result in results]
    learner = work.learner(best)
    sizes = work.start.scale.pairs
    return LearnReport(
        **_facts(work.settings, task, name, work.metrics[0]),
        metrics={metric: _over_seeds([scores[metric] for scores in by_seed]) for metric in work.metrics},
        greedy=_over_seeds(greedy),
        dev_scores=[result.dev for result in results],
        dev_losses=[result.dev_loss for result in results],
        best_seed=best,
        n_train=len(work.pairs["train"]),
        n_dev=len(work.pairs["dev"]),
        n_test=len(work.pairs["test"]),
        left_out=work.left_out,
        cut={split: too_long(learner, work.pairs[split]) for split in ("dev", "test")},
        parameters=sum(parameter.numel() for parameter in learner.module.parameters()),
        vocabulary_size=work.start.vocabulary.size,
        steps=sizes.steps,
        epochs=round(PairTrainer(learner, work.pairs["train"], [], sizes, work.lr, best, work.device).epochs, 4),
        tokens=results[0].tokens,
    )


def _over_seeds(scores: Sequence[TextScore]) -> WrittenScore:
    """Return the mean over seeds with its interval: of rows, by the mean standard error, and of seeds."""
    values = [one.score for one in scores]
    stderr = statistics.mean(one.stderr for one in scores)
    of_seeds = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return WrittenScore(
        score=round(statistics.mean(values), 6),
        scores=[round(value, 6) for value in values],
        stderr=round(stderr, 6),
        interval=round(CONFIDENCE * math.hypot(stderr, of_seeds), 6),
        signature=scores[0].signature,
    )


def _facts(settings: Settings, task: str, name: str, metric: str) -> dict[str, Any]:
    learner = settings.learners[name]
    return {
        "task": task,
        "learner": name,
        "system": settings.system_of_learner(name),
        "kind": settings.learner_scale(name).kind,
        "pretrained": learner.pretrained,
        "metric": metric,
        "seeds": settings.seeds,
    }


def _unavailable(
    settings: Settings, task: str, name: str, metric: str, reason: str, out: Path, predictions: Path
) -> LearnReport:
    """Write what stands in the place of a model for a task without rows; return the report."""
    numbers: dict[str, Any] = dict.fromkeys(
        ("n_train", "n_dev", "n_test", "left_out", "parameters", "vocabulary_size", "steps"), 0
    )
    report = LearnReport(
        **_facts(settings, task, name, metric),
        **numbers,
        metrics={},
        cut={},
        epochs=0.0,
        tokens=0,
        unavailable=reason,
    )
    with atomic_folder(out) as temporary:
        (temporary / CURVE).touch()
    _write_predictions(predictions, [], {})
    return report


def _write_predictions(path: Path, rows: Sequence[SequenceRow], results: Mapping[int, LearnedSeed]) -> None:
    """Write a line for each training and test row: the row, the seed, and what it wrote."""
    import pyarrow as pa
    from pyarrow import parquet

    columns: dict[str, list[Any]] = {"seed": [], "row": [], "origin": [], "written": [], "greedy": []}
    for seed, result in results.items():
        columns["seed"] += [seed] * len(rows)
        columns["row"] += range(len(rows))
        columns["origin"] += [row.origin for row in rows]
        columns["written"] += result.written
        columns["greedy"] += result.greedy
    types = [pa.int64(), pa.int64(), pa.string(), pa.string(), pa.string()]
    table = pa.table(columns, schema=pa.schema(list(zip(columns, types, strict=True))))
    with atomic_path(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd")
