"""Tables, figures and the page, from what the stages wrote under `reports/`.

`write_report` writes what DVC locks (benchmark.json, benchmark.md, figures/), `write_page` the page, which also shows
what the run cost and is not locked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.files import read_json, write_json, write_text
from pretrace.report.benchmark import build_benchmark
from pretrace.report.figures import corpus_figure, curves_figure, lengths_figure, scores_figure, write_figures
from pretrace.report.markdown import benchmark_markdown, update_readme
from pretrace.report.page import render_page
from pretrace.settings import Settings
from pretrace.tracking import read_rows

__all__ = ["benchmark_markdown", "build_benchmark", "update_readme", "write_page", "write_report"]

MODELS = ("transformer", "lstm")
"""Pre-trained models, with their curves under `reports/curves/`; one that is not there is not drawn."""


def write_report(settings: Settings, folder: Path = Path("reports")) -> dict[str, Any]:
    """Write benchmark.json, benchmark.md and figures/ under `folder` from the stages' results there.

    Returns the benchmark. The same results give the same bytes.

    Raises:
        PretraceError: a result is missing or not whole.
    """
    benchmark = build_benchmark(settings, folder)
    figures = _figures(benchmark, folder)
    write_json(folder / "benchmark.json", benchmark)
    write_text(folder / "benchmark.md", benchmark_markdown(benchmark))
    write_figures(figures, folder / "figures")
    return benchmark


def write_page(settings: Settings, folder: Path = Path("reports")) -> Path:
    """Write index.html under `folder`, after `write_report`. Returns its path."""
    benchmark = build_benchmark(settings, folder)
    notes = {
        "tasks": read_json(folder / "tasks.json")["tasks"],
        "clean": read_json(folder / "clean.json"),
        "bpe": _optional(folder / "bpe.json", {}),
        "pretrain": read_json(folder / "pretrain.json"),
        "samples": _optional(folder / "samples.json", []),
        "cost": _optional(folder / "cost.json", {}),
    }
    figures = _figures(benchmark, folder)
    if lengths := notes["clean"].get("lengths"):
        figures["lengths"] = lengths_figure(lengths)
    page = folder / "index.html"
    write_text(page, render_page(settings, notes, benchmark, figures))
    return page


def _figures(benchmark: dict[str, Any], folder: Path) -> dict[str, str]:
    curves = {
        name: [read_rows(folder / "curves" / f"{name}{part}.json") for part in ("", "-validation")] for name in MODELS
    }
    return {
        "scores": scores_figure(benchmark),
        "curves": curves_figure({name: parts for name, parts in curves.items() if any(parts)}),
        "corpus": corpus_figure(read_json(folder / "clean.json")),
    }


def _optional(path: Path, default: Any) -> Any:
    return read_json(path) if path.exists() else default
