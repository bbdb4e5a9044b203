"""The model card: what a model was trained on and how, what it scores and how surely, and what it is not good for.

In Markdown with the header that the Hugging Face Hub reads. `pretrace.report` writes it to reports/model-card.md, and
`pretrace export` beside what it exports. Like the page it shows what depends on the clock, so DVC does not lock it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pretrace.common.units import readable_number, readable_time
from pretrace.report.benchmark import heading
from pretrace.report.markdown import escape, intervals, rows_by_task, score_text
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.corpus import CleanReport, TextCount
from pretrace.schemas.cost import CostEntry
from pretrace.schemas.finetuning import FinetuneReport
from pretrace.schemas.models import PretrainReport
from pretrace.schemas.record import read_optional_record, read_record
from pretrace.schemas.tokens import VocabularyReport
from pretrace.settings import ZERO_SHOT, ZERO_SHOT_PMI, ModelKind, split_column

MOST_SOURCES = 12
"""Sources in the table of the data, the largest first."""
LICENSE = """No license is given here. The training text has licenses of its own, and nobody has checked what they say
about models. Whoever publishes this model decides, and puts the license here and into the header, where it says
`unknown`."""
ELSEWHERE = """The weights come from elsewhere (`pretrain.init_from`) and were not trained here: add what text they were
trained on, if you know it. The loss below is on text of this run."""
LIMITS = """- It has read the sources above and nothing else. It knows little of other text and of the world; what it
  writes is likely text, not true text.
- It may repeat passages of its training text, and whatever is wrong or unkind in them. Nobody has tested it for bias,
  and nothing was done about it.
- It reads lower case only, and no more tokens at once than its context.
- Probes compare models on one corpus, and say nothing about scores on other benchmarks.
- Not for decisions about people."""


@dataclass(frozen=True)
class Form:
    """The form in which a folder holds a model, for its card."""

    library: str
    """Hugging Face's name of the library that opens it."""
    use: str
    """Instructions to open it, in Markdown."""


WORDS = "lower case, cleaned as GPT-1's was"
PREPARED = {"byte-bpe": "as it was written", "wordpiece": "split into words and signs as BERT's was"}
"""Form of the text by the kind of vocabulary, where it is not that of GPT-1's words."""


LEARNS = {"val_loss": "the next token", "val_masked_loss": "masked tokens"}
LEARNS |= {"val_both_loss": "next tokens and previous ones", "val_pair_loss": "the words around a word"}
"""The tokens that a model learns to predict, by its validation loss."""


def own_form(system: str, kind: ModelKind) -> Form:
    """Return the form in which the stage `pretrain` writes a system's model."""
    folder = f"models/pretrained/{system}/{kind}"
    if kind == "elmo":
        return Form("pytorch", f'    pretrace.model.load_model("{folder}")  # in Python')
    if kind == "word2vec":
        return Form("gensim", f"    pretrace export {folder} --to word2vec")
    use = f"""    pretrace generate {folder} --prompt "the function returns"
    pretrace export {folder} --to huggingface"""
    return Form("pytorch", use)


def model_card(reports: Path, system: str, form: Form | None = None, cell: str | None = None) -> str:
    """Return the card of the pre-trained model of a system of the run in `reports`, or of one fine-tuned model.

    Args:
        form: None: as the stage `pretrain` writes it.
        cell: a fine-tuned model of the system, "source-full"; None: the pre-trained one.

    Raises:
        PretraceError: a report is missing or has another form.
    """
    benchmark = read_record(reports / "benchmark.json", Benchmark)
    clean = read_record(reports / "clean.json", CleanReport)
    pretrain = read_record(reports / "pretrain" / f"{system}.json", PretrainReport)
    form = form or own_form(system, pretrain.model)
    vocabulary = read_optional_record(reports / "bpe" / f"{system}.json", VocabularyReport)
    cost = read_optional_record(reports / "cost.json", dict[str, CostEntry]) or {}
    tuned = read_record(reports / "finetune" / f"{cell}.json", FinetuneReport) if cell else None
    if tuned:
        model = f"The variant {tuned.variant}, fine-tuned on the task {tuned.task}, of a run of pretrace, which"
    else:
        model = f"The pre-trained {pretrain.model} ({pretrain.parameters:,} parameters) of a run of pretrace, which"
    learns = LEARNS[pretrain.loss[0]]
    parts = [
        _header(form, tuned is not None),
        f"# pretrace, {system} at scale {benchmark.scale}: {cell or pretrain.model}",
        f"{model} follows GPT-1 (Radford et al., 2018): a model learns to predict {learns} of plain text, and is then "
        f"fine-tuned on a task. The system is `{system}` ({benchmark.systems.get(system, system)}).",
        "## Use",
        form.use,
        "## Data",
        _data(clean, vocabulary) if pretrain.steps else ELSEWHERE,
        "## Training",
        _training(pretrain, cost, system, tuned),
        "## Scores",
        _scores(pretrain, benchmark),
        "## Limits",
        LIMITS,
        "## License",
        LICENSE,
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def short_card(form: Form, parameters: int) -> str:
    """Return the card of a model that no run here has made, with what is known of it."""
    text = (
        f"Written by pretrace from weights with {parameters:,} parameters, without the reports of the run that made "
        "them: add what text they were trained on, how, and what they score, if you know it."
    )
    return "\n\n".join([_header(form, False), "# A model", text, "## Use", form.use, "## License", LICENSE]) + "\n"


def _header(form: Form, fine_tuned: bool) -> str:
    purpose = "text-classification" if fine_tuned else "text-generation"
    return (
        f"---\nlicense: unknown\nlibrary_name: {form.library}\npipeline_tag: {purpose}\ntags:\n- pretrace\n- gpt1\n---"
    )


def _data(clean: CleanReport, vocabulary: VocabularyReport | None) -> str:
    def row(name: str, counts: list[dict[str, TextCount]]) -> str:
        splits = [split for by_split in counts for split in by_split.values()]
        documents, words = sum(split.documents for split in splits), sum(split.words for split in splits)
        trained_on = sum(by_split["train"].words for by_split in counts)
        return f"| {escape(name)} | {documents:,} | {words:,} | {trained_on:,} |"

    def words(source: str) -> int:
        return sum(split.words for split in clean.sources[source].values())

    largest = sorted(clean.sources, key=lambda source: (-words(source), source))
    rows = [row(source, [clean.sources[source]]) for source in largest[:MOST_SOURCES]]
    if rest := largest[MOST_SOURCES:]:
        rows.append(row(f"{len(rest)} more", [clean.sources[source] for source in rest]))
    dropped = ", ".join(f"{reason} {number:,}" for reason, number in clean.left_out.items() if number)
    form = PREPARED.get(vocabulary.kind or "", WORDS) if vocabulary else WORDS
    tokens = f"{vocabulary.size:,} tokens" if vocabulary else "tokens"
    return "\n".join(
        [
            "| source | documents | words | of these, trained on |",
            "| --- | ---: | ---: | ---: |",
            *rows,
            row("all", [clean.splits]),
            "",
            f"Of {clean.documents_in:,} documents, left out: {dropped or 'none'}. Text is {form}, and encoded with "
            f"{tokens}. The other words are those of the validation loss and of the probes.",
        ]
    )


def _training(pretrain: PretrainReport, cost: dict[str, CostEntry], system: str, tuned: FinetuneReport | None) -> str:
    spent = cost.get(f"pretrain@{system}")
    rows = {
        f"parameters of the {pretrain.model}": f"{pretrain.parameters:,}",
        "steps": f"{pretrain.steps:,}",
        "tokens": f"{pretrain.tokens:,}" + (f", {pretrain.epochs:.2f} epochs" if pretrain.epochs else ""),
        "FLOPs": f"{pretrain.flops:.3g}",
    }
    if pretrain.mix:
        rows["mix of sources"] = "; ".join(
            f"{source}: {read.weight:.1%} of the tokens read, {read.epochs:.2f} epochs"
            for source, read in pretrain.mix.items()
        )
    if further := pretrain.continued:
        change = f"loss on the validation text {further.val_loss_before:.4g} before, {pretrain.val_loss:.4g} after"
        if further.old_loss is not None and further.old_loss_before is not None:
            change += f"; on the old text {further.old_loss_before:.4g} before, {further.old_loss:.4g} after"
        rows["trained further"] = f"from weights from elsewhere (SHA-256 {further.weights_sha256[:16]}): {change}"
    if len(pretrain.seeds) > 1:
        losses = zip(pretrain.seeds, pretrain.val_losses, strict=True)
        each = ", ".join(f"{loss:.4g} with seed {seed}" for seed, loss in losses)
        rows["pre-trainings"] = f"{len(pretrain.seeds)}, of which this is the first; validation loss {each}"
    if spent:
        rows |= {
            "machine": ", ".join(filter(None, (spent.machine, spent.device, spent.precision))),
            "time": readable_time(spent.seconds) if spent.seconds else "",
            "commit": (spent.commit or "") + (", with changes" if spent.changed else ""),
        }
    if tuned:
        own = cost.get(f"finetune@{tuned.task}-{tuned.variant}")
        rows |= {
            "fine-tuned on": f"{tuned.n_train:,} rows of the task {tuned.task}, {tuned.epochs} epochs, "
            f"learning rate {tuned.lr:g}; of {len(tuned.scores)} fine-tunings the best on dev",
            "fine-tuning FLOPs": readable_number(tuned.flops),
            "fine-tuning time": readable_time(own.seconds) if own else "",
        }
    table = [f"| {name} | {escape(text)} |" for name, text in rows.items() if text]
    return "\n".join(["| | |", "| --- | --- |", *table])


def _scores(pretrain: PretrainReport, benchmark: Benchmark) -> str:
    if pretrain.val_loss is None:
        each = "pair" if pretrain.val_pair_loss is not None else "token"
        lines = [f"On validation text: loss {pretrain.loss_of} {pretrain.loss[1]:.4g} nats/{each}.", ""]
    else:
        lines = [
            f"On validation text: loss {pretrain.val_loss:.4g} nats/token; perplexity {pretrain.val_perplexity:.4g} "
            f"per token; {pretrain.val_bits_per_byte:.4g} bits/byte of the raw text.",
            "",
        ]
    columns = list(dict.fromkeys(row.variant for row in benchmark.rows))
    lines += [
        f"| task | metric | test rows | {' | '.join(escape(heading(name)) for name in columns)} |",
        f"| --- | --- | ---: |{' ---: |' * len(columns)}",
    ]
    for task, by_variant in rows_by_task(benchmark).items():
        one = next(iter(by_variant.values()))
        cells = [score_text(by_variant.get(name)) for name in columns]
        lines.append(f"| {escape(task)} | {one.metric} | {one.n_eval:,} | {' | '.join(cells)} |")
    zero_shot = " LM, zero-shot: the pre-trained model without fine-tuning, where there is a rule for the task."
    columns_there = {ZERO_SHOT, ZERO_SHOT_PMI} & {split_column(name)[0] for name in columns}
    text_only = " n-gram, LSA: models of the pre-training text without a network."
    explained = [text_only * bool({"ngram", "lsa"} & {*columns}), zero_shot * bool(columns_there)]
    return "\n".join([*lines, "", intervals(benchmark) + "".join(explained)])
