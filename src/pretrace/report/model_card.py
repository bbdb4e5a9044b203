"""The model card: what a model was trained on and how, what it scores and how surely, and what it is not good for.

In Markdown with the header that the Hugging Face Hub reads. `pretrace.report` writes it to reports/model-card.md, and
`pretrace export` beside what it exports. Like the page it shows the clock's part, so it is not among what DVC locks.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.common.files import read_json
from pretrace.common.units import readable_number, readable_time
from pretrace.report.benchmark import BASELINES
from pretrace.report.comparisons import Difference
from pretrace.report.markdown import escape, rows_by_task
from pretrace.report.predictions import ZERO_SHOT

MOST_SOURCES = 12
"""Sources in the table of the data, the largest first."""
LICENCE = """No licence is given here. The text that it was trained on has licences of its own, and nobody has looked at
what they say about models. Whoever hands this on decides, and puts the licence here and into the header, where it says
`unknown`."""
ELSEWHERE = """The weights were taken from elsewhere (`pretrain.init_from`) and not trained here: on what text they
were is to be said here by whoever knows it. The loss below is on text of this run."""
LIMITS = """- It has read the sources above and nothing else. Of other text, and of the world, it knows little; what it
  writes is likely text and not true.
- It may give back passages that it was trained on, and whatever is wrong or unkind in them. Nobody has tested it for
  bias, and nothing was done about it.
- It reads lower case only, and no more pieces at once than its context.
- Probes compare models on one corpus, and say nothing of scores on other benchmarks.
- Not for decisions about people."""


@dataclass(frozen=True)
class Form:
    """What a folder holds, for its card."""

    library: str
    """Hugging Face's name of what opens it."""
    use: str
    """How it is opened, in Markdown."""


OWN = Form(
    "pytorch",
    """    pretrace generate models/pretrained/transformer --prompt "the function returns"
    pretrace export models/pretrained/transformer --to huggingface""",
)


def model_card(reports: Path, form: Form = OWN, cell: str | None = None) -> str:
    """The card of the pre-trained transformer of the run that `reports` are of, or of one fine-tuned model.

    Args:
        cell: the fine-tuned model, "source-full"; None: the pre-trained one.

    Raises:
        PretraceError: a report is missing or not whole.
    """
    notes = {name: read_json(reports / f"{name}.json") for name in ("benchmark", "clean", "pretrain")}
    bpe = read_json(reports / "bpe.json") if (reports / "bpe.json").exists() else {}
    cost = read_json(reports / "cost.json") if (reports / "cost.json").exists() else {}
    pretrain = notes["pretrain"]
    tuned = read_json(reports / "finetune" / f"{cell}.json") if cell else None
    if tuned:
        what = f"The variant {tuned['variant']}, fine-tuned on the task {tuned['task']}, of a run of pretrace, which"
    else:
        what = f"The pre-trained transformer ({pretrain['parameters']:,} parameters) of a run of pretrace, which"
    parts = [
        _header(form, tuned),
        f"# pretrace, scale {notes['benchmark']['scale']}: {cell or 'transformer'}",
        f"{what} follows GPT-1 (Radford et al., 2018): a model learns to predict the next piece of a word in plain "
        "text, and is then fine-tuned on a task.",
        "## Use",
        form.use,
        "## Data",
        _data(notes["clean"], bpe) if pretrain["steps"] else ELSEWHERE,
        "## Training",
        _training(pretrain, cost, tuned, cell),
        "## Scores",
        _scores(pretrain, notes["benchmark"]),
        "## Limits",
        LIMITS,
        "## Licence",
        LICENCE,
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def short_card(form: Form, parameters: int) -> str:
    """The card of a model that no run here has made: what can be known of it."""
    said = (
        f"Written by pretrace from weights with {parameters:,} parameters, without the reports of the run that made "
        "them: on what text they were trained, how, and what they score is to be said here by whoever knows it."
    )
    return "\n\n".join([_header(form, None), "# A model", said, "## Use", form.use, "## Licence", LICENCE]) + "\n"


def _header(form: Form, tuned: dict[str, Any] | None) -> str:
    purpose = "text-classification" if tuned else "text-generation"
    return (
        f"---\nlicense: unknown\nlibrary_name: {form.library}\npipeline_tag: {purpose}\ntags:\n- pretrace\n- gpt1\n---"
    )


def _data(clean: dict[str, Any], bpe: dict[str, Any]) -> str:
    def row(name: str, splits: dict[str, dict[str, int]]) -> str:
        documents, words = (sum(split[key] for split in splits.values()) for key in ("documents", "words"))
        return f"| {escape(name)} | {documents:,} | {words:,} | {splits['train']['words']:,} |"

    def words(source: str) -> int:
        return sum(split["words"] for split in clean["sources"][source].values())

    largest = sorted(clean["sources"], key=lambda source: (-words(source), source))
    rows = [row(source, clean["sources"][source]) for source in largest[:MOST_SOURCES]]
    if rest := largest[MOST_SOURCES:]:
        rest_splits = {
            name: {key: sum(clean["sources"][source][name][key] for source in rest) for key in ("documents", "words")}
            for name in clean["splits"]
        }
        rows.append(row(f"{len(rest)} more", rest_splits))
    dropped = ", ".join(f"{reason} {number:,}" for reason, number in clean["left_out"].items() if number)
    pieces = f"{bpe['size']:,} byte-pair pieces" if bpe else "byte-pair pieces"
    return "\n".join(
        [
            "| source | documents | words | of these, trained on |",
            "| --- | ---: | ---: | ---: |",
            *rows,
            row("all", clean["splits"]),
            "",
            f"Of {clean['documents_in']:,} documents, what was left out: {dropped or 'none'}. Text is lower case, "
            f"cleaned as GPT-1's was, and cut into {pieces}. The words that were not trained "
            "on are those of the validation loss and of the probes.",
        ]
    )


def _training(pretrain: dict[str, Any], cost: dict[str, Any], tuned: dict[str, Any] | None, cell: str | None) -> str:
    spent = cost.get("pretrain", {})
    rows = {
        "parameters of the transformer": f"{pretrain['parameters']:,}",
        "updates": f"{pretrain['steps']:,}",
        "tokens": f"{pretrain['tokens']:,}" + (f", {pretrain['epochs']:.2f} epochs" if pretrain.get("epochs") else ""),
        "FLOPs": f"{pretrain['flops']:.3g}",
        "machine": ", ".join(filter(None, (spent.get("machine"), spent.get("device"), spent.get("precision")))),
        "time": readable_time(spent["seconds"]) if spent.get("seconds") else "",
        "commit": spent.get("commit", "") + (", with changes" if spent.get("changed") else ""),
    }
    if tuned and cell:
        own = cost.get(f"finetune@{cell}", {})
        rows |= {
            "fine-tuned on": f"{tuned['n_train']:,} rows of the task {tuned['task']}, {tuned['epochs']} passes, "
            f"rate {tuned['lr']:g}; of {len(tuned['seeds'])} seeds the best on dev",
            "fine-tuning's FLOPs": readable_number(tuned.get("flops") or 0),
            "fine-tuning's time": readable_time(own["seconds"]) if own.get("seconds") else "",
        }
    table = [f"| {name} | {escape(text)} |" for name, text in rows.items() if text]
    return "\n".join(["| | |", "| --- | --- |", *table])


def _scores(pretrain: dict[str, Any], benchmark: dict[str, Any]) -> str:
    measured = [
        ("loss", pretrain["val_loss"], "nats a piece"),
        ("perplexity", pretrain["val_perplexity"], "a piece"),
        ("bits a byte", pretrain["val_bits_per_byte"], "of the cleaned text"),
    ]
    lines = [f"On validation text: {'; '.join(f'{name} {value:.4g} {unit}' for name, value, unit in measured)}.", ""]
    columns = list(dict.fromkeys(row["variant"] for row in benchmark["rows"]))
    lines += [
        f"| task | metric | test rows | {' | '.join(escape(BASELINES.get(name, name)) for name in columns)} |",
        f"| --- | --- | ---: |{' ---: |' * len(columns)}",
    ]
    for task, by_variant in rows_by_task(benchmark).items():
        one = next(iter(by_variant.values()))
        cells = [_with_interval(by_variant.get(name)) for name in columns]
        lines.append(f"| {escape(task)} | {one['metric']} | {one['n_eval']:,} | {' | '.join(cells)} |")
    seeds = len(benchmark["seeds"])
    asked = f" {BASELINES[ZERO_SHOT]}: what the pre-trained model answers by itself, where the paper has a way to ask."
    reading = (
        f"Times 100. Of fine-tuned columns the mean over {seeds} seed{'s' * (seeds > 1)}; ± half the width of the 95 % "
        "interval, from the spread over the seeds and the sampling error of the test rows."
    )
    return "\n".join([*lines, "", reading + (asked if ZERO_SHOT in columns else "")])


def _with_interval(row: dict[str, Any] | None) -> str:
    if row is None or row["score"] is None:
        return "n/a"
    scores = row["scores"] or [row["score"]]
    parts = [(row["stderr"] ** 2, max(1, row["n_eval"] - 1))] if row.get("stderr") else []
    if len(scores) > 1:
        parts.append((statistics.variance(scores) / len(scores), len(scores) - 1))
    mean = statistics.fmean(scores)
    return f"{100 * mean:.1f}" + (f" ± {100 * Difference(mean, tuple(parts)).noise:.1f}" if parts else "")
