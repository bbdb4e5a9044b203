"""The page: one HTML file that opens without a network, from the table, the figures and the reports of the stages.

It also shows what depends on the clock (`cost.json`), so DVC does not lock it.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.common.errors import visible
from pretrace.common.units import readable_bytes, readable_number, readable_time
from pretrace.report import contamination, markdown
from pretrace.report.benchmark import heading
from pretrace.report.corpus_card import corpus_card
from pretrace.report.errors import TaskErrors
from pretrace.report.few_shot import FewShotTable
from pretrace.report.figures.overview import variant_colors
from pretrace.report.figures.plotting import COLORS
from pretrace.report.page_tables import (
    average_cell,
    cost_rows,
    language_rows,
    spread_rows,
    task_section,
    task_warnings,
)
from pretrace.report.provenance import CellProvenance
from pretrace.report.search import SearchTable
from pretrace.report.sequences.table import SequenceTable
from pretrace.schemas.baselines import SeenRows
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.corpus import CleanReport
from pretrace.schemas.cost import CostEntry
from pretrace.schemas.models import PretrainReport, Sample
from pretrace.schemas.tasks import TaskReport
from pretrace.schemas.tokens import VocabularyReport
from pretrace.schemas.zero_shot import LanguageTestScore, WordTests
from pretrace.settings import Settings

TEMPLATE = Path(__file__).parent / "page.html"
LONGEST_SHOWN = 900
"""Characters of a part of a wrongly predicted row."""


@dataclass(frozen=True)
class PageData:
    """The content of the page besides the table and the figures."""

    tasks: dict[str, TaskReport]
    changed_rows: list[str]
    """A sentence for each task whose files have changed since its rows were read."""
    seen: dict[str, SeenRows | None]
    """Test rows that are in the pre-training text, by task."""
    clean: CleanReport
    vocabularies: dict[str, VocabularyReport]
    """By system."""
    pretrain: PretrainReport
    samples: dict[str, list[Sample]]
    """By system; none of one that writes no text."""
    cost: dict[str, CostEntry]
    errors: dict[str, TaskErrors]
    """By task."""
    language_tests: dict[str, dict[str, LanguageTestScore]]
    """By test and model."""
    words: dict[str, WordTests]
    """Of word vectors, by model."""
    few_shot: FewShotTable | None
    """Tasks as prompts, if there were any."""
    sequences: SequenceTable | None
    """Learners on tasks from text to text, if there are any."""
    provenance: list[CellProvenance]
    search: SearchTable | None
    """The search on dev, if there was one."""


def render_page(settings: Settings, data: PageData, benchmark: Benchmark, figures: dict[str, str]) -> str:
    """Return the page's HTML.

    The template escapes all text from data; only our own figures are inserted as they are. Control characters and marks
    of direction are escaped everywhere.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "big": readable_number,
        "bytes": readable_bytes,
        "time": readable_time,
        "shortened": shortened,
        "with_half": contamination.shown,
    }
    columns = markdown.columns_of(benchmark)
    by_task = markdown.rows_by_task(benchmark)
    roles = {color: role for role, color in COLORS.items()}
    cards = [data.tasks[name].card for name in by_task]
    warnings = data.changed_rows + task_warnings({name: data.tasks[name] for name in by_task})
    html = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        scale=settings.scale_name,
        systems=benchmark.systems,
        headline=headline(benchmark),
        columns=[(name, heading(name)) for name in columns],
        colors={name: roles[color] for name, color in variant_colors(columns).items()},
        tasks=[task_section(rows, benchmark.winners[name], data.tasks[name]) for name, rows in by_task.items()],
        warnings=warnings,
        seen=data.seen,
        published=any(card and card.paper for card in cards),
        averages={name: average_cell(benchmark, name) for name in benchmark.averages},
        spreads=spread_rows(benchmark),
        errors=data.errors,
        language_tests=language_rows(data.language_tests),
        words=data.words,
        few_shot=data.few_shot,
        sequences=data.sequences,
        provenance=data.provenance,
        search=data.search,
        reading=markdown.reading(benchmark),
        notes=[note for note in benchmark.notes if note not in warnings],
        rule=markdown.rule(benchmark),
        verdict=markdown.verdict,
        comparisons={(pair.task, pair.against): pair for pair in benchmark.comparisons},
        overall={pair.against: pair for pair in benchmark.overall},
        figures={name: Markup(inline(name, svg)) for name, svg in figures.items()},
        clean=data.clean,
        contamination=benchmark.contamination,
        contamination_reading=contamination.explanation(benchmark),
        heading=heading,
        card=corpus_card(data.clean, data.cost),
        vocabularies={name: one.size for name, one in data.vocabularies.items()},
        models=_models(settings, data.pretrain),
        samples=data.samples,
        costs=cost_rows(data.cost, settings),
        settings=settings_text(settings),
    )
    return visible(html)


def _models(settings: Settings, report: PretrainReport) -> dict[str, PretrainReport]:
    """Return the metrics of pre-training by kind of model, or by system if there are several."""
    name = settings.first_system if report.systems else report.model
    return {name: report, **report.systems}


def shortened(text: str) -> str:
    """Return the beginning and the end of a long passage."""
    half = LONGEST_SHOWN // 2
    return text if len(text) <= LONGEST_SHOWN else f"{text[:half]} … {text[-half:]}"


def headline(benchmark: Benchmark) -> list[str]:
    """Return the comparison named beforehand, and on how many tasks `full` is above the bag of words, and below it."""
    sentences = []
    for pair in benchmark.overall:
        if pair.primary and pair.beyond is not None:
            value = f"{100 * abs(pair.difference):.1f} ± {100 * pair.noise:.1f} points"
            scratch = "training from scratch" + (f", on the mean over {pair.tasks} tasks" if pair.tasks > 1 else "")
            told = (
                f"is {markdown.verdict(pair)} {scratch}, by {value}"
                if pair.beyond
                else f"is not told apart from {scratch}"
            )
            sentences.append(f"Pre-training {told}.")
    pairs = [pair for pair in benchmark.comparisons if pair.against == "tfidf" and pair.beyond is not None]
    above, below = (sum(bool(p.beyond) and sign * p.difference > 0 for p in pairs) for sign in (1, -1))
    if pairs:
        sentences.append(f"Against a bag of words it is above on {above} of {len(pairs)} tasks and below on {below}.")
    return sentences or ["One seed: no verdict."]


def inline(name: str, svg: str) -> str:
    """Return a figure as part of the page: with the page's colors and typeface, and ids of its own."""
    svg = svg[svg.index("<svg") :]
    for role, color in COLORS.items():
        svg = svg.replace(color, f"var(--{role})")
    svg = svg.replace("'DejaVu Sans'", "var(--sans)").replace("DejaVu Sans", "var(--sans)")
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return re.sub(r'^<svg ([^>]*?)width="[^"]*"', r'<svg role="img" \1', re.sub(r' height="[^"]*pt"', "", svg, count=1))


def settings_text(settings: Settings) -> str:
    """Return the settings as YAML, with those of the scale, without what is null."""
    from ruamel.yaml import YAML

    stream = io.StringIO()
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output, yaml.width = False, False, 100
    yaml.dump(settings.in_use(exclude_none=True), stream)
    return stream.getvalue()
