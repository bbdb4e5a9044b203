"""What a run is going to need, before it starts: `pretrace check`.

Everything that a person can get wrong is looked at (settings, packages, text, task files), the sizes that follow from
the settings are worked out, and a few updates are tried on this device for their time and memory. A run that cannot
fit in memory or on the disk is refused. Nothing is written.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.common.units import readable_bytes, readable_time
from pretrace.corpus import corpus_name, read_corpus
from pretrace.corpus.readers.faults import stop
from pretrace.model import build_model
from pretrace.preflight.disk import check_disk, corpus_bytes
from pretrace.preflight.timing import Trial, measure
from pretrace.settings import Settings
from pretrace.tasks.read_task import read_task_files
from pretrace.tokens import load_vocabulary, vocabulary_folder
from pretrace.training.distributed.data_parallel import check_batch_size
from pretrace.training.distributed.group import Group
from pretrace.training.engine.flops import GPT1_PETAFLOP_S_DAYS, PETAFLOP_S_DAY, flops_per_token
from pretrace.training.engine.memory import check_memory, min_training_memory
from pretrace.training.pretraining.init_from import load_initial_model

BYTES_A_TOKEN = 4.3
"""Of English text: 4.3 for 126 novels with GPT-1's vocabulary, 4.4 for the default corpus with 4,000 pieces (ours)."""


def look_ahead(settings: Settings) -> Iterator[tuple[str, str]]:
    """Check what a run needs; yields what it is, as (heading, text).

    Raises:
        PretraceError: the first thing that would stop the run, with the line that the stage would say; or the run does
            not fit in memory or on the disk.
    """
    yield "scale", f"{settings.scale_name} ({len(settings.seeds)} seeds, fine-tuning rate {settings.finetune_lr:g})"
    text_bytes, corpus = _corpus(settings)
    yield "corpus", corpus
    yield from _tasks(settings)
    kinds = sorted({"transformer"} | {v.model for v in settings.variants.values() if v.pretrained}, reverse=True)
    models = {kind: _shape_of(kind, settings) for kind in kinds}
    weights = {kind: sum(parameter.numel() for parameter in model.parameters()) for kind, model in models.items()}
    disk = check_disk(max(weights.values()), text_bytes, settings)
    yield (
        "fine-tuning",
        f"{len(settings.tasks)} tasks x {len(settings.variants)} variants x {len(settings.seeds)} seeds",
    )
    for kind, model in models.items():
        if kind == "transformer" and settings.pretrain.init_from:
            yield from _start(settings)
        else:
            yield from _pretraining(kind, weights[kind], flops_per_token(model), text_bytes, settings)
    yield "disk", disk


def _corpus(settings: Settings) -> tuple[int, str]:
    """Bytes of text as far as they are known (0 for installed packages, which are small), and what it is."""
    corpus = settings.corpus
    if corpus.source == "installed":
        for name in corpus.packages:
            if not name.isidentifier() or importlib.util.find_spec(name) is None:
                raise PretraceError(
                    f"params.yaml: corpus.packages: {name!r} is not installed; install it or take it out"
                )
        return 0, f"the documentation inside {len(corpus.packages)} installed packages"
    place, skip = corpus_name(corpus), corpus.on_bad_input == "skip"
    on_fault = (lambda fault: None) if skip else stop
    size = corpus_bytes(str(corpus.path), on_fault) if corpus.source == "files" else 0
    tally: Counter[str] = Counter()
    first = next(read_corpus(corpus, on_fault, tally), None)
    if first is None:
        raise PretraceError(f"{place}: no text there; all its files or rows are empty{' or bad' * skip}")
    found = f"the first document is {first.id!r} of source {first.source!r}"
    if corpus.source == "huggingface":
        return 0, f"{place} at {str(corpus.dataset.revision)[:8]}; {found}"
    unpacked = f" ({readable_bytes(size)} unpacked)" if size != tally["bytes"] else ""
    return size, f"{place}: {readable_bytes(tally['bytes'])}{unpacked}; {found}"


def _tasks(settings: Settings) -> Iterator[tuple[str, str]]:
    """Probes by name, and for a task from files its rows; reading them checks files, columns and labels."""
    probes = [name for name, task in settings.tasks.items() if task.probe]
    if probes:
        yield "probes", ", ".join(probes)
    for name, task in settings.tasks.items():
        if not task.probe:
            data = read_task_files(name, task, str)
            yield f"task {name}", ", ".join(f"{len(rows):,} {split} rows" for split, rows in data.splits.items())


def _shape_of(kind: str, settings: Settings) -> Any:
    """The model without memory for its weights."""
    import torch

    with torch.device("meta"):
        return build_model(kind, settings.scale, settings.scale.vocabulary.size, 0)


def _start(settings: Settings) -> Iterator[tuple[str, str]]:
    """The weights in the place of pre-training; reading them checks their files, sizes and vocabulary."""
    folder = str(settings.pretrain.init_from)
    vocabulary = load_vocabulary(vocabulary_folder(folder))
    model = load_initial_model(settings, vocabulary.size)
    yield "transformer", f"{sum(parameter.numel() for parameter in model.parameters()):,} parameters from {folder}"
    yield "pre-training", f"none; the vocabulary of {vocabulary.size:,} pieces comes with the weights"


def _pretraining(
    kind: str, weights: int, flops_a_token: int, text_bytes: int, settings: Settings
) -> Iterator[tuple[str, str]]:
    section = settings.scale.pretrain
    a_step = section.batch_size * settings.scale.model.context
    tokens = section.steps * a_step
    flops = tokens * flops_a_token
    yield kind, f"{weights:,} parameters"
    yield "pre-training", f"{section.steps:,} updates, {tokens:,} tokens{_passes(tokens, text_bytes, settings)}"
    yield "", f"{flops:.3g} FLOPs, {flops / PETAFLOP_S_DAY:.3g} petaflop/s-days (GPT-1: {GPT1_PETAFLOP_S_DAYS})"
    processes, gpus = _processes(settings)
    check_batch_size(section.batch_size, section.sharded, Group(world_size=processes))
    least = check_memory(min_training_memory(weights, settings, processes), "at least", settings, gpus)
    if section.sharded and processes > 1:
        yield "memory", least
        yield "time", "not measured: the model is held in parts (pretrain.sharded), so no process can try it alone"
        return
    trial = measure(kind, settings, processes)
    yield "device", f"{_times(processes, trial.device)}, {trial.precision} ({trial.reason})"
    yield "", trial.compiled
    yield "memory", check_memory(trial.memory * processes, _how(trial), settings, gpus)
    seconds = trial.seconds_a_step * section.steps
    mfu = flops_a_token * a_step / trial.seconds_a_step / (trial.peak_flops * processes)
    price = settings.hourly_cost
    cost = "" if price is None else f", a cost of {price * seconds / 3600:,.2f}"
    yield (
        "time",
        f"about {readable_time(seconds)} to pre-train{cost}: {trial.seconds_a_step:.3g} s an update, measured; "
        f"{a_step / trial.seconds_a_step:,.0f} tokens/s, MFU {mfu:.0%}",
    )


def _passes(tokens: int, text_bytes: int, settings: Settings) -> str:
    """Epochs, from the shards that are there, or else from the size of the text."""
    manifest = Path("data/shards/manifest.json")
    if manifest.exists():
        passes = tokens / read_json(manifest)["splits"]["train"]["tokens"]
        return f", {passes:,.1f} epochs of what data/shards has now"
    if not text_bytes:
        return ""
    share = 1 - settings.corpus.validation_share - settings.corpus.probe_share
    estimated = text_bytes * share / BYTES_A_TOKEN
    return f", some {tokens / estimated:,.1f} epochs of an estimated {estimated / 1e6:,.1f} million tokens"


def _processes(settings: Settings) -> tuple[int, int]:
    """Processes that will train together on this machine, and how many GPUs they use."""
    import torch

    gpus = min(settings.scale.processes, torch.cuda.device_count())
    return gpus or settings.scale.processes, gpus


def _times(count: int, device: str) -> str:
    return f"{count} processes on {device}" if count > 1 else device


def _how(trial: Trial) -> str:
    if trial.memory_is_measured:
        return f"measured with micro-batches of {trial.micro_batch}:"
    return f"for micro-batches of {trial.micro_batch}, from one of {trial.measured}, about"
