"""The search on dev as the page shows it: what each setting reached, and how old that is.

`pretrace search` writes the record, reports/search.json; it is in git, and DVC does not know it, as it is made on
request and holds the clock. Without the record nothing is shown.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.common.code import code_hash
from pretrace.common.files import sha256_of_file, sha256_of_json
from pretrace.common.units import readable_time
from pretrace.schemas.finetuning import FinetuneReport, SearchedSetting, SearchRecord
from pretrace.settings import Settings

FITTED = "scratch"
"""The variant whose reach with more passes stands under the table."""
CODE = "pretrace.training.finetuning.finetune"
CHOSEN = {"lr", "lr_factor", "epochs"}
"""Fields that a search chooses: it stays valid when the settings take over its choice."""


@dataclass(frozen=True)
class SearchRow:
    """A variant on a task: its dev score by setting, times 100."""

    task: str
    variant: str
    cells: list[str]
    """In the order of `SearchTable.headings`."""
    best: int
    """Index of the best cell: the first of equals."""
    in_the_table: str
    """The setting of the table, and its dev score with the seeds of the search."""


@dataclass(frozen=True)
class SearchTable:
    """The search as a table, and the sentences about it."""

    headings: list[str]
    rows: list[SearchRow]
    more_passes: str
    """The line under the table of scores."""
    made: str
    """The grid, commit, machine and time; what has changed since then."""


def state_of(settings: Settings, data: Path = Path("data"), models: Path = Path("models")) -> dict[str, str]:
    """Return the SHA-256 of what decides a search: code, settings, pre-trained weights, rows; of what is here."""
    names = [name for name in settings.search.variants if name in settings.variants]
    variants = {name: settings.variants[name].model_dump(exclude=CHOSEN) for name in names}
    systems = sorted({settings.system_of(name) for name in names})
    values = {"variants": variants, **{system: _of_system(settings.of_system(system)) for system in systems}}
    starts = {settings.system_of(name) for name in names if settings.variants[name].pretrained}
    folders = [models / "pretrained" / system / settings.systems[system].scale.kind for system in sorted(starts)]
    weights = [folder / "model.safetensors" for folder in folders]
    state = {"code": code_hash(CODE), "settings": sha256_of_json(values)} | _hash("weights", weights)
    for task, one in settings.tasks.items():
        own = {key: value for key, value in one.overrides.items() if key != "epochs"}
        folders = [data / "encoded" / system / task for system in systems]
        rows = [folder / f"{split}.safetensors" for folder in folders for split in ("train", "dev")]
        state |= _hash(f"task {task}", rows, own)
    return state


def _of_system(settings: Settings) -> dict[str, Any]:
    """Return the settings of a system that decide a search."""
    finetune = settings.scale.finetune.model_dump(exclude={"lr", "epochs"}) | {"lr": settings.finetune_lr}
    sizes = settings.scale.sizes.model_dump(exclude_defaults=True)
    return {"finetune": finetune, settings.scale.kind: sizes, "context": settings.scale.model.context}


def _hash(name: str, files: list[Path], values: dict[str, int | float] | None = None) -> dict[str, str]:
    """Return the hash of files and values under a name; nothing if a file is missing."""
    if not files or not all(path.is_file() for path in files):
        return {}
    return {name: sha256_of_json([values, *map(sha256_of_file, files)])}


def search_table(record: SearchRecord, results: dict[str, FinetuneReport], now: dict[str, str]) -> SearchTable | None:
    """Return the search as a table; None if it has no cell of `results`.

    Args:
        results: the reports of the stage `finetune`, by cell ("source-full").
        now: what would decide a search now (`state_of`).
    """
    groups = {(task, name): own for (task, name), own in _by_cell(record).items() if f"{task}-{name}" in results}
    if not groups:
        return None
    headings = [f"{factor:g} x rate, {_passes(n)}" for factor in record.lr_factors for n in record.epochs]
    rows = []
    for (task, variant), own in groups.items():
        scores = [_mean(one) for one in own]
        cells = [f"{100 * score:.1f}" for score in scores]
        used = _in_the_table(record, results[f"{task}-{variant}"])
        rows.append(SearchRow(task, variant, cells, scores.index(max(scores)), used))
    more, later = _more_passes(record, groups, results), _changed(record, now)
    return SearchTable(headings, rows, more and more + later, _made(record) + later)


def _by_cell(record: SearchRecord) -> dict[tuple[str, str], list[SearchedSetting]]:
    """Return the settings of each variant on each task."""
    groups: dict[tuple[str, str], list[SearchedSetting]] = {}
    for one in record.settings:
        groups.setdefault((one.task, one.variant), []).append(one)
    return groups


def _passes(number: int) -> str:
    """Return a number of passes in words."""
    return f"{number} pass" + "es" * (number > 1)


def _mean(setting: SearchedSetting) -> float:
    """Return the mean dev score over the seeds."""
    return statistics.fmean(setting.dev_scores)


def _of_table(record: SearchRecord, report: FinetuneReport) -> float | None:
    """Return the dev score of the table's setting, the mean over the seeds of the search; None if it is not known."""
    by_seed = dict(reversed(list(zip(report.seeds, report.dev_scores, strict=False))))  # the first pre-training's stay
    scores = [by_seed[seed] for seed in record.seeds if seed in by_seed]
    return statistics.fmean(scores) if len(scores) == len(record.seeds) else None


def _in_the_table(record: SearchRecord, report: FinetuneReport) -> str:
    score = _of_table(record, report)
    return "" if score is None else f"{100 * score:.1f} ({report.lr:g}, {_passes(report.epochs)})"


def _more_passes(
    record: SearchRecord, groups: dict[tuple[str, str], list[SearchedSetting]], results: dict[str, FinetuneReport]
) -> str:
    """Return the best that `scratch` has with more passes than in the table, by task; empty if none was tried."""
    parts = []
    for (task, variant), own in groups.items():
        report = results[f"{task}-{variant}"]
        score = _of_table(record, report)
        more = [one for one in own if one.epochs > report.epochs]
        if variant == FITTED and score is not None and more:
            best = max(more, key=_mean)
            what = f"with {best.epochs} at {best.lr:g} instead of {100 * score:.1f} with {report.epochs}"
            parts.append(f"{task} {100 * _mean(best):.1f} {what}")
    seeds = f"seed{'s' * (len(record.seeds) > 1)} {', '.join(map(str, record.seeds))}"
    return f"{FITTED} with more passes than in the table, on dev ({seeds}): {', '.join(parts)}." if parts else ""


def _made(record: SearchRecord) -> str:
    """Return what was searched, with what, and how long it took."""
    number = len(record.lr_factors) * len(record.epochs)
    tried = f"{number} setting{'s' * (number > 1)} for each of {' and '.join(record.variants)}"
    where = f"commit {record.commit[:8]}{'+' * bool(record.changed)}, {record.machine}"
    took = f"{record.fine_tunings} fine-tunings in {readable_time(record.seconds)}"
    return f"Searched on dev alone: {tried}, at scale {record.scale}; {where}; {took}."


def _changed(record: SearchRecord, now: dict[str, str]) -> str:
    """Return a sentence on what has changed since the search was made; empty if nothing has."""
    changed = [name for name, value in record.made_from.items() if name in now and now[name] != value]
    return f" The search is from before a change of: {', '.join(changed)}." if changed else ""


def search_lines(record: SearchRecord) -> list[str]:
    """Return the search as lines of text: for each variant on each task its dev scores times 100, the best first."""
    lines = [_made(record)]
    for (task, variant), own in _by_cell(record).items():
        ranked = sorted(own, key=_mean, reverse=True)
        scores = [f"{100 * _mean(one):.1f} at {one.lr:g}, {_passes(one.epochs)}" for one in ranked]
        lines.append(f"{task}/{variant}: {'; '.join(scores)}")
    return lines
