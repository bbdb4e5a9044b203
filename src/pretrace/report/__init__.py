"""Tables, figures and the page, from what the stages wrote under `reports/`.

`write_report` writes what DVC locks (benchmark.json, benchmark.md, figures/), `write_page` the page and the model card,
which also show what the run cost and are not locked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json, write_json, write_text
from pretrace.report.benchmark import REFERENCE, build_benchmark, task_note, zero_shot_note
from pretrace.report.errors import mistakes
from pretrace.report.figures import corpus_figure, curves_figure, lengths_figure, scores_figure, write_figures
from pretrace.report.markdown import benchmark_markdown, update_readme
from pretrace.report.model_card import model_card
from pretrace.report.page import render_page
from pretrace.report.predictions import read_answers
from pretrace.report.provenance import provenance
from pretrace.report.transfer_figure import transfer_figure
from pretrace.report.zeroshot_figure import best_published, has_updates, zero_shot_figure
from pretrace.settings import MODEL_KINDS, Settings
from pretrace.tracking import read_rows

__all__ = ["benchmark_markdown", "build_benchmark", "update_readme", "write_page", "write_report"]

MODELS = MODEL_KINDS
"""Pre-trained models, with their curves under `reports/curves/`; one that is not there is not drawn."""


def write_report(settings: Settings, folder: Path = Path("reports"), data: Path = Path("data")) -> dict[str, Any]:
    """Write benchmark.json, benchmark.md and figures/ under `folder` from the stages' results there and in `data`.

    Returns the benchmark. The same results give the same bytes.

    Raises:
        PretraceError: a result is missing or not whole.
    """
    benchmark = build_benchmark(settings, folder, data)
    figures = _figures(settings, benchmark, folder)
    write_json(folder / "benchmark.json", benchmark)
    write_text(folder / "benchmark.md", benchmark_markdown(benchmark))
    write_figures(figures, folder / "figures")
    return benchmark


def write_page(settings: Settings, folder: Path = Path("reports"), data: Path = Path("data")) -> Path:
    """Write index.html and model-card.md under `folder` from what `write_report` and the stages wrote there.

    Returns the page's path.

    Raises:
        PretraceError: a result is missing, not whole, or of an older version.
    """
    benchmark = read_json(folder / "benchmark.json")
    if "winners" not in benchmark:
        raise PretraceError(f"{folder / 'benchmark.json'}: of an older version; run `dvc repro` again")
    tasks = {name: task_note(folder, name) for name in settings.tasks}
    cost = _optional(folder / "cost.json", {})
    results = {path.stem: read_json(path) for path in sorted((folder / "finetune").glob("*.json"))}
    notes = {
        "tasks": tasks,
        "clean": read_json(folder / "clean.json"),
        "bpe": _optional(folder / "bpe.json", {}),
        "pretrain": read_json(folder / "pretrain.json"),
        "samples": _optional(folder / "samples.json", []),
        "cost": cost,
        "mistakes": _mistakes(settings, tasks, data),
        "language_tests": zero_shot_note(folder)["language_tests"],
        "provenance": provenance(settings, cost, results, Path("dvc.lock")),
    }
    figures = _figures(settings, benchmark, folder)
    if lengths := notes["clean"].get("lengths"):
        figures["lengths"] = lengths_figure(lengths)
    page = folder / "index.html"
    write_text(page, render_page(settings, notes, benchmark, figures))
    write_text(folder / "model-card.md", model_card(folder))
    return page


def _mistakes(settings: Settings, tasks: dict[str, Any], data: Path) -> dict[str, Any]:
    """Wrong answers of `full`, or of the first variant, on each task that could be made."""
    variant = REFERENCE if REFERENCE in settings.variants else next(iter(settings.variants))
    return {
        name: {"variant": variant, **mistakes(read_answers(name, [variant], data), variant, note["labels"])}
        for name, note in tasks.items()
        if not note.get("unavailable")
    }


def _figures(settings: Settings, benchmark: dict[str, Any], folder: Path) -> dict[str, str]:
    curves = {
        name: [read_rows(folder / "curves" / f"{name}{part}.json") for part in ("", "-validation")] for name in MODELS
    }
    figures = {
        "scores": scores_figure(benchmark),
        "curves": curves_figure({name: parts for name, parts in curves.items() if any(parts)}),
        "corpus": corpus_figure(read_json(folder / "clean.json")),
        "transfer": transfer_figure(settings, benchmark),
        "zeroshot": _zero_shot_figure(settings, folder),
    }
    return {name: figure for name, figure in figures.items() if figure}


def _zero_shot_figure(settings: Settings, folder: Path) -> str | None:
    found = zero_shot_note(folder)
    return zero_shot_figure(found, best_published(settings.tasks)) if has_updates(found) else None


def _optional(path: Path, default: Any) -> Any:
    return read_json(path) if path.exists() else default
