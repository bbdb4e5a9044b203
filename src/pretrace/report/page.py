"""The page: one HTML file that opens without a network, from the table, the figures and what the stages noted.

It shows the clock's part too (`cost.json`), so it is in git but not among what DVC locks.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from pretrace.common.units import readable_bytes, readable_number, readable_time
from pretrace.report import markdown
from pretrace.report.benchmark import BASELINES
from pretrace.report.corpus_card import corpus_card
from pretrace.report.figures import variant_colours
from pretrace.report.plotting import COLOURS
from pretrace.settings import MAIN_MODEL, Settings
from pretrace.tasks.kinds import KINDS

TEMPLATE = Path(__file__).parent / "page.html"
EXAMPLES_A_TASK = 3
LONGEST_SHOWN = 900
"""Characters of a part of a wrong answer."""


def render_page(settings: Settings, notes: dict[str, Any], benchmark: dict[str, Any], figures: dict[str, str]) -> str:
    """The page's HTML. `notes` has what the stages wrote, by file name: tasks, clean, bpe, pretrain, samples, cost.

    All text from data is escaped by the template; only our own figures go in as they are.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"big": readable_number}
    environment.filters |= {"bytes": readable_bytes, "time": readable_time, "shortened": shortened}
    columns = markdown.columns_of(benchmark)
    by_task = markdown.rows_by_task(benchmark)
    roles = {colour: role for role, colour in COLOURS.items()}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        scale=settings.scale_name,
        headline=headline(benchmark),
        columns=[(name, BASELINES.get(name, name)) for name in columns],
        colours={name: roles[colour] for name, colour in variant_colours(columns).items()},
        tasks=[_task(rows, benchmark["winners"][name], notes["tasks"][name]) for name, rows in by_task.items()],
        published=any((notes["tasks"][name].get("card") or {}).get("paper") for name in by_task),
        averages={name: f"{100 * score:.1f}" for name, score in benchmark["averages"].items()},
        mistakes=notes["mistakes"],
        language_tests=language_rows(notes["language_tests"]),
        provenance=notes["provenance"],
        reading=markdown.reading(benchmark),
        rule=markdown.rule(),
        comparisons={(pair["task"], pair["against"]): pair for pair in benchmark["comparisons"]},
        overall={pair["against"]: pair for pair in benchmark["overall"]},
        figures={name: Markup(inline(name, svg)) for name, svg in figures.items()},
        clean=notes["clean"],
        card=corpus_card(notes["clean"], notes["cost"]),
        bpe={key: value for key, value in notes["bpe"].items() if isinstance(value, int | float)},
        models=pretrained_models(notes["pretrain"]),
        samples=notes["samples"],
        costs=cost_rows(notes["cost"], settings),
        settings=settings_text(settings),
    )


def shortened(text: str) -> str:
    """A long passage's beginning and end."""
    half = LONGEST_SHOWN // 2
    return text if len(text) <= LONGEST_SHOWN else f"{text[:half]} … {text[-half:]}"


def headline(benchmark: dict[str, Any]) -> list[str]:
    """The result in one sentence a rival: on how many tasks `full` is above it beyond the noise."""
    sentences = []
    for rival, name in (("scratch", "training from scratch"), ("tfidf", "a bag of words (TF-IDF)")):
        pairs = [pair for pair in benchmark["comparisons"] if pair["against"] == rival]
        won = sum(pair["beyond"] and pair["difference"] > 0 for pair in pairs)
        if pairs:
            sentences.append(f"Pre-training beats {name} beyond the noise on {won} of {len(pairs)} tasks.")
    return sentences


def language_rows(tests: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry a language test and model: its protocol, and its figures in words."""
    return [
        {
            "test": name,
            "model": kind,
            "protocol": found["protocol"],
            "figures": [
                (key.replace("_", " "), f"{value:,.4g}" if isinstance(value, float) else f"{value:,}")
                for key, value in found.items()
                if isinstance(value, int | float)
            ],
        }
        for name, by_kind in tests.items()
        for kind, found in by_kind.items()
    ]


def pretrained_models(pretrain: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry a pre-trained model, each with its name: the transformer's figures stand at the file's top."""
    models = [{"name": MAIN_MODEL} | {k: v for k, v in pretrain.items() if not isinstance(v, dict)}]
    return models + [{"name": key} | value for key, value in pretrain.items() if isinstance(value, dict)]


def cost_rows(cost: dict[str, Any], settings: Settings) -> list[dict[str, Any]]:
    """What each stage took, summed over the tasks of these settings; the last row is the sum."""
    cells = {
        f"finetune@{task}-{variant}": f"finetune, {variant}" for variant in settings.variants for task in settings.tasks
    }
    cells |= {f"tasks@{task}": "tasks" for task in settings.tasks}
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, entry in cost.items():
        if "@" not in name or name in cells:
            groups.setdefault(cells.get(name, name), []).append(entry)
    rows = [{"stage": name, **_summed(entries)} for name, entries in groups.items()]
    rows.sort(key=lambda row: -row["seconds"])
    return [*rows, {"stage": "together", **_summed(rows), "tokens_per_second": None, "mfu": None}] if rows else []


def inline(name: str, svg: str) -> str:
    """A figure as part of the page: with the page's colours and typeface, and ids of its own."""
    svg = svg[svg.index("<svg") :]
    for role, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{role})")
    svg = svg.replace("'DejaVu Sans'", "var(--sans)").replace("DejaVu Sans", "var(--sans)")
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return re.sub(r'^<svg ([^>]*?)width="[^"]*"', r'<svg role="img" \1', re.sub(r' height="[^"]*pt"', "", svg, count=1))


def settings_text(settings: Settings) -> str:
    """The settings as YAML, the scale's among them, without what is null."""
    from ruamel.yaml import YAML

    stream = io.StringIO()
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output, yaml.width = False, False, 100
    yaml.dump(settings.in_use(exclude_none=True), stream)
    return stream.getvalue()


def _summed(entries: list[dict[str, Any]]) -> dict[str, Any]:
    rates = [entry["tokens_per_second"] for entry in entries if entry.get("tokens_per_second")]
    return {
        "cells": sum(entry.get("cells", 1) for entry in entries),
        "seconds": sum(entry["seconds"] for entry in entries),
        "peak_memory_bytes": max(entry["peak_memory_bytes"] for entry in entries),
        "tokens_per_second": sum(rates) / len(rates) if rates else None,
        "mfu": entries[0].get("mfu") if len(entries) == 1 else None,
        "device": ", ".join(sorted({entry["device"] for entry in entries if entry.get("device")})),
    }


def _task(rows: dict[str, dict[str, Any]], winner: str | None, note: dict[str, Any]) -> dict[str, Any]:
    any_row = next(iter(rows.values()))
    cells = {}
    for variant, row in rows.items():
        score, _, spread = markdown.score_text(row).partition(" ± ")
        cells[variant] = {"score": score, "spread": spread, "best": variant == winner}
    return {
        "name": any_row["task"],
        "format": KINDS[any_row["kind"]].format,
        "metric": any_row["metric"],
        "n_train": any_row["n_train"],
        "n_test": any_row["n_eval"],
        "cells": cells,
        "unavailable": note.get("unavailable"),
        "examples": (note.get("examples") or [])[:EXAMPLES_A_TASK],
        "card": note.get("card"),
    }
