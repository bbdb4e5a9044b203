"""Tables, figures, the page and the model card, from what the stages wrote under `reports/`.

`write_report` writes what DVC locks (benchmark.json, benchmark.md, figures/), `write_page` the page and the model card,
which also show what the run cost and are not locked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pretrace.common.files import write_text
from pretrace.report.benchmark import (
    build_benchmark,
    heading,
    read_baselines_report,
    read_task_report,
    read_zero_shot_report,
)
from pretrace.report.contamination import contamination_markdown
from pretrace.report.errors import TaskErrors, find_errors
from pretrace.report.few_shot import few_shot_table, read_few_shot
from pretrace.report.figures.few_shot import few_shot_figure
from pretrace.report.figures.figure2 import best_published, has_curve, transfer_figure, zero_shot_figure
from pretrace.report.figures.ladder import ladder_figure
from pretrace.report.figures.learning_curves import learning_curves_figure
from pretrace.report.figures.memory import memory_figure
from pretrace.report.figures.overview import (
    Curve,
    corpus_figure,
    curves_figure,
    lengths_figure,
    scores_figure,
    write_figures,
)
from pretrace.report.markdown import benchmark_markdown, update_readme
from pretrace.report.model_card import model_card
from pretrace.report.page import PageData, render_page
from pretrace.report.predictions import read_variants
from pretrace.report.provenance import cell_provenance
from pretrace.report.search import SearchTable, search_table, state_of
from pretrace.report.sequences.table import sequence_table, sequences_markdown
from pretrace.report.statistics.verdicts import REFERENCE
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.corpus import CleanReport
from pretrace.schemas.cost import CostEntry
from pretrace.schemas.finetuning import FinetuneReport, SearchRecord
from pretrace.schemas.models import CurvePoint, LadderRecord, PretrainReport, Sample
from pretrace.schemas.record import read_optional_record, read_record, write_record
from pretrace.schemas.tasks import TaskReport
from pretrace.schemas.tokens import VocabularyReport
from pretrace.schemas.zero_shot import LanguageTestScore, WordTests
from pretrace.settings import Settings
from pretrace.tasks.raw_files import changed_files, rows_changed

__all__ = ["benchmark_markdown", "build_benchmark", "read_search", "update_readme", "write_page", "write_report"]

Gathered = TypeVar("Gathered", PretrainReport, VocabularyReport)


def write_report(settings: Settings, folder: Path = Path("reports"), data: Path = Path("data")) -> Benchmark:
    """Write benchmark.json, benchmark.md and figures/ under `folder` from the stages' results there and in `data`.

    So are pretrain.json and bpe.json, which gather the reports of the systems. Returns the benchmark. The same results
    give the same bytes.

    Raises:
        PretraceError: a result is missing or has another form.
    """
    benchmark = build_benchmark(settings, folder, data)
    figures = _figures(settings, benchmark, folder)
    write_record(folder / "benchmark.json", benchmark)
    write_record(folder / "pretrain.json", _gathered(settings, folder / "pretrain", PretrainReport))
    write_record(folder / "bpe.json", _gathered(settings, folder / "bpe", VocabularyReport))
    table = sequences_markdown(sequence_table(settings, benchmark, folder))
    more = contamination_markdown(benchmark, heading) + table
    write_text(folder / "benchmark.md", benchmark_markdown(benchmark) + more)
    write_figures(figures, folder / "figures")
    return benchmark


def write_page(settings: Settings, folder: Path = Path("reports"), data: Path = Path("data")) -> Path:
    """Write index.html and model-card.md under `folder` from what `write_report` and the stages wrote there.

    Returns the page's path.

    Raises:
        PretraceError: a result is missing or has another form.
    """
    benchmark = read_record(folder / "benchmark.json", Benchmark)
    shown = _page_data(settings, folder, data, benchmark)
    figures = _figures(settings, benchmark, folder)
    if shown.clean.lengths:
        figures["lengths"] = lengths_figure(shown.clean.lengths)
    page = folder / "index.html"
    write_text(page, render_page(settings, shown, benchmark, figures))
    write_text(folder / "model-card.md", model_card(folder, settings.first_system))
    return page


def _gathered(settings: Settings, folder: Path, kind: type[Gathered]) -> Gathered:
    """Return the report of the first system with those of the others in `systems`."""
    first, *others = (read_record(folder / f"{system}.json", kind) for system in settings.systems)
    names = list(settings.systems)[1:]
    return first.model_copy(update={"systems": dict(zip(names, others, strict=True))}) if names else first


def read_search(
    settings: Settings, folder: Path = Path("reports"), data: Path = Path("data"), models: Path = Path("models")
) -> SearchTable | None:
    """Return the search on dev beside what the stage `finetune` reports; None if there is no search.json in `folder`.

    Raises:
        PretraceError: a file has another form.
    """
    record = read_optional_record(folder / "search.json", SearchRecord)
    if record is None:
        return None
    return search_table(record, _finetune_reports(settings, folder), state_of(settings, data, models))


def _finetune_reports(settings: Settings, folder: Path) -> dict[str, FinetuneReport]:
    cells = [f"{task}-{variant}" for task in settings.tasks for variant in settings.variants]
    read = {cell: read_optional_record(folder / "finetune" / f"{cell}.json", FinetuneReport) for cell in cells}
    return {cell: report for cell, report in read.items() if report}


def _page_data(settings: Settings, folder: Path, data: Path, benchmark: Benchmark) -> PageData:
    tasks = {name: read_task_report(folder, name) for name in settings.tasks}
    cost = read_optional_record(folder / "cost.json", dict[str, CostEntry]) or {}
    changed = {name: changed_files(report, folder.parent) for name, report in tasks.items()}
    return PageData(
        tasks=tasks,
        changed_rows=[rows_changed(name, files) for name, files in changed.items() if files],
        seen={name: read_baselines_report(folder, name).seen for name in tasks},
        clean=read_record(folder / "clean.json", CleanReport),
        vocabularies={name: _vocabulary(folder, name) for name in settings.systems},
        pretrain=read_record(folder / "pretrain.json", PretrainReport),
        samples={name: rows for name in settings.systems if (rows := _samples(folder, name))},
        cost=cost,
        errors=_errors(settings, tasks, data),
        language_tests=_language_tests(settings, folder),
        words=_words(settings, folder),
        few_shot=few_shot_table(read_few_shot(settings, folder)),
        sequences=sequence_table(settings, benchmark, folder),
        provenance=cell_provenance(settings, cost, _finetune_reports(settings, folder), Path("dvc.lock")),
        search=read_search(settings, folder, data),
    )


def _errors(settings: Settings, tasks: dict[str, TaskReport], data: Path) -> dict[str, TaskErrors]:
    """Errors of `full`, or of the first variant, on each task with rows."""
    variant = REFERENCE if REFERENCE in settings.variants else next(iter(settings.variants))
    return {
        name: find_errors(read_variants(name, [variant], data), variant, task.labels)
        for name, task in tasks.items()
        if not task.unavailable
    }


def _figures(settings: Settings, benchmark: Benchmark, folder: Path) -> dict[str, str]:
    curves = {
        named(settings, system, name): _curves(folder / "curves" / system, name)
        for system in settings.systems
        for name in settings.of_system(system).pretrainings()
    }
    figures = {
        "scores": scores_figure(benchmark),
        "curves": curves_figure({name: pair for name, pair in curves.items() if any(pair)}),
        "corpus": corpus_figure(read_record(folder / "clean.json", CleanReport)),
        "transfer": transfer_figure(settings, benchmark),
        "learning": learning_curves_figure(settings, benchmark),
        "ladder": ladder_figure(read_optional_record(folder / "ladder.json", LadderRecord)),
        "memory": memory_figure(_pretrained(settings, folder), settings.scale.model.context),
        "zeroshot": _zero_shot_figure(settings, folder),
        "fewshot": few_shot_figure(read_few_shot(settings, folder)),
    }
    return {name: figure for name, figure in figures.items() if figure}


def _pretrained(settings: Settings, folder: Path) -> dict[str, PretrainReport]:
    return {name: read_record(folder / "pretrain" / f"{name}.json", PretrainReport) for name in settings.systems}


def named(settings: Settings, system: str, model: str) -> str:
    """Return the name of a pre-trained model in tables and figures: by its system, if there are several."""
    kind = settings.systems[system].scale.kind
    return model if len(settings.systems) == 1 else f"{system}{model.removeprefix(kind)}"


def _curves(folder: Path, name: str) -> tuple[Curve, Curve]:
    """Return the curves of training and of validation; empty for a model that was not pre-trained."""
    parts = (folder / f"{name}{part}.json" for part in ("", "-validation"))
    training, validation = (read_optional_record(path, list[CurvePoint]) or [] for path in parts)
    return training, validation


def _vocabulary(folder: Path, system: str) -> VocabularyReport:
    return read_record(folder / "bpe" / f"{system}.json", VocabularyReport)


def _samples(folder: Path, system: str) -> list[Sample]:
    return read_optional_record(folder / "samples" / f"{system}.json", list[Sample]) or []


def _language_tests(settings: Settings, folder: Path) -> dict[str, dict[str, LanguageTestScore]]:
    """Return the scores of the language tests, by test and model."""
    tests: dict[str, dict[str, LanguageTestScore]] = {}
    for system in settings.systems:
        for name, by_model in read_zero_shot_report(folder, system).language_tests.items():
            tests.setdefault(name, {}).update({named(settings, system, model): one for model, one in by_model.items()})
    return tests


def _words(settings: Settings, folder: Path) -> dict[str, WordTests]:
    """Return the tests of word vectors, by model."""
    return {
        named(settings, system, model): tests
        for system in settings.systems
        for model, tests in read_zero_shot_report(folder, system).words.items()
    }


def _zero_shot_figure(settings: Settings, folder: Path) -> str | None:
    reports = {system: read_zero_shot_report(folder, system) for system in settings.systems}
    curves = {system: report for system, report in reports.items() if has_curve(report)}
    return zero_shot_figure(curves, best_published(settings.tasks)) if curves else None
