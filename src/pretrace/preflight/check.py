"""`pretrace check`: validates a run before it starts, and estimates what it takes.

Checks everything that can be wrong (settings, packages, text, task files), computes the sizes that follow from the
settings, and measures time and memory in a dry run of a few steps on this device. A run that cannot fit in memory or on
the disk is refused. Nothing is written.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.units import readable_bytes, readable_time
from pretrace.corpus import corpus_name, read_corpus
from pretrace.corpus.example_texts import find_example_files
from pretrace.corpus.readers.faults import OnFault, stop
from pretrace.model import build_model
from pretrace.preflight.disk import check_disk, corpus_bytes
from pretrace.preflight.epochs import describe_epochs, describe_mix, named_sources
from pretrace.preflight.timing import DryRun, dry_run
from pretrace.settings import Settings
from pretrace.settings.load import FEATURES_ONLY
from pretrace.settings.models.word2vec import Word2VecSettings
from pretrace.tasks.odd_rows.classes import counts
from pretrace.tasks.raw_files import changed_files, read_task_reports, rows_changed
from pretrace.tasks.read_task import read_task_files
from pretrace.tasks.zero_shot_class import class_of_high_values
from pretrace.tokens import load_vocabulary, vocabulary_folder
from pretrace.training.distributed.data_parallel import check_batch_size
from pretrace.training.distributed.group import Group
from pretrace.training.engine.flops import GPT1_PETAFLOP_S_DAYS, PETAFLOP_S_DAY, flops_per_token
from pretrace.training.engine.memory import check_memory, min_training_memory
from pretrace.training.pretraining.continued import OldText
from pretrace.training.pretraining.initial_weights import load_initial_model
from pretrace.training.pretraining.plan import Plan

H100_FLOPS = 989e12
"""FLOP/s of an H100's dense bfloat16 products, as NVIDIA states them."""
GPU_SHARE = 0.4
"""Share of it that training is taken to use (ours)."""
GPU_DAY = GPU_SHARE * H100_FLOPS * 86400
"""FLOPs of a day of an H100."""


def preflight(settings: Settings) -> Iterator[tuple[str, str]]:
    """Check that a run can start and estimate it; yield (heading, text).

    Raises:
        PretraceError: the first problem that would stop the run, with the message of the stage; or the run does not fit
            in memory or on the disk.
    """
    yield "systems" if len(settings.systems) > 1 else "system", ", ".join(settings.systems)
    yield "scale", f"{settings.scale_name} ({len(settings.seeds)} seeds, fine-tuning rate {settings.finetune_lr:g})"
    text_bytes, corpus = _corpus(settings)
    yield "corpus", corpus
    sources = named_sources(settings, _on_fault(settings))
    if rules := settings.corpus.quality.classifier:
        for path, found in find_example_files(rules):
            yield "examples", f"{path}: {len(found.files):,} files"
    yield from _tasks(settings)
    systems = [settings.of_system(name) for name in settings.systems]
    models = [(own, _meta_model(own)) for own in systems]
    largest = max((_parameters(model) for own, model in models if own.scale.kind not in FEATURES_ONLY), default=0)
    several = len(settings.pretrain.seeds) > 1
    yield (
        "fine-tuning",
        f"{len(settings.tasks)} tasks x {len(settings.variants)} variants x {len(settings.seeds)} seeds"
        + f", from each of {len(settings.pretrain.seeds)} pre-trainings" * several,
    )
    disk = ""
    for own, model in models:
        if own.pretrain.weights:
            yield from _initial_weights(own)
        if len(systems) > 1:
            yield "system", own.system_name
        if own.scale.kind == "word2vec":
            yield from _words(own)
            continue
        weights, token_flops = _parameters(model), flops_per_token(model, own.scale.pretrain.objective.predicted_share)
        trained = not own.pretrain.init_from
        if trained:
            yield from _reckoned(weights, token_flops, text_bytes, sources, own)
        # Before a dry run, and after what is said of a run that no disk here could hold.
        disk = disk or check_disk(largest, text_bytes, settings)
        if trained:
            yield from _measured(weights, token_flops, own)
    yield "disk", disk or check_disk(largest, text_bytes, settings)


def _words(settings: Settings) -> Iterator[tuple[str, str]]:
    """Describe the training of word vectors, which takes seconds to minutes and needs no dry run."""
    own, words = settings.scale.sizes, settings.scale.vocabulary.size
    assert isinstance(own, Word2VecSettings)
    yield settings.scale.kind, f"at most {words:,} words x {own.width} numbers"
    yield "pre-training", f"{own.epochs} passes over the text, with each of {len(settings.pretrain.seeds)} seeds"


def _parameters(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _on_fault(settings: Settings) -> OnFault:
    return (lambda fault: None) if settings.corpus.on_bad_input == "skip" else stop


def _corpus(settings: Settings) -> tuple[int, str]:
    """Return the bytes of text if known (0 for installed packages, which are small), and a description."""
    corpus = settings.corpus
    if corpus.source == "installed":
        for name in corpus.packages:
            if not name.isidentifier() or importlib.util.find_spec(name) is None:
                raise PretraceError(f"params.yaml: corpus.packages: {name!r} is not installed; install it or remove it")
        return 0, f"the documentation inside {len(corpus.packages)} installed packages"
    place, skip, on_fault = corpus_name(corpus), corpus.on_bad_input == "skip", _on_fault(settings)
    size = corpus_bytes(str(corpus.path), on_fault) if corpus.source == "files" else 0
    tally: Counter[str] = Counter()
    first = next(read_corpus(corpus, on_fault, tally), None)
    if first is None:
        raise PretraceError(f"{place}: no text; all its files or rows are empty{' or bad' * skip}")
    first_document = f"the first document is {first.id!r} of source {first.source!r}"
    if corpus.source == "huggingface":
        return 0, f"{place} at {str(corpus.dataset.revision)[:8]}; {first_document}"
    unpacked = f" ({readable_bytes(size)} unpacked)" if size != tally["bytes"] else ""
    return size, f"{place}: {readable_bytes(tally['bytes'])}{unpacked}; {first_document}"


def _tasks(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the names of probes, and the rows of tasks from files; reading them checks files, columns and labels.

    Warnings on the rows follow, and files that have changed since the rows were read.
    """
    probes = [name for name, task in settings.tasks.items() if task.probe]
    if probes:
        yield "probes", ", ".join(probes)
    reports = read_task_reports(name for name, task in settings.tasks.items() if not task.probe)
    for name, task in settings.tasks.items():
        if not task.probe:
            data = read_task_files(name, task, str)
            for heuristic in task.zero_shot:
                class_of_high_values(name, heuristic, data.labels, task.positive)
            yield f"task {name}", ", ".join(f"{len(rows):,} {split} rows" for split, rows in data.splits.items())
            yield from (("", size) for size in data.sizes)
            if data.labels:
                labels = (int(row.label) for rows in data.splits.values() for row in rows)
                yield "", f"classes: {counts(labels, data.labels)}"
            yield from (("", f"warning: {warning}") for warning in data.warnings)
            if name in reports and (changed := changed_files(reports[name])):
                yield "", rows_changed(name, changed)


def _meta_model(settings: Settings) -> Any:
    """Build the model on the meta device, without memory for its weights."""
    import torch

    with torch.device("meta"):
        return build_model(settings.scale, settings.scale.vocabulary.size, 0)


def _initial_weights(settings: Settings) -> Iterator[tuple[str, str]]:
    """Describe the weights that pre-training is replaced by or goes on from; reading them checks all their files."""
    folder = str(settings.pretrain.weights)
    vocabulary = load_vocabulary(vocabulary_folder(folder))
    model = load_initial_model(settings, vocabulary.size)
    come = f"come with a vocabulary of {vocabulary.size:,} tokens"
    if settings.pretrain.continue_from:
        if old := settings.pretrain.old_text:
            OldText(old, vocabulary, model.context)
        yield "weights", f"trained further from {folder}; they {come}"
        return
    yield settings.scale.kind, f"{_parameters(model):,} parameters from {folder}"
    yield "pre-training", f"none; the weights {come}"


def _reckoned(
    weights: int, token_flops: int, text_bytes: int, sources: Mapping[str, int], settings: Settings
) -> Iterator[tuple[str, str]]:
    """Describe what follows from the settings alone, on whatever machine."""
    plan, times = Plan(settings.scale), len(settings.pretrain.seeds)
    tokens = plan.tokens
    flops = tokens * token_flops * times
    yield settings.scale.kind, f"{weights:,} parameters"
    yield (
        "pre-training",
        f"{plan.steps:,} steps, {tokens:,} tokens{describe_epochs(tokens, text_bytes, settings)}"
        + f", with each of {times} seeds" * (times > 1),
    )
    if settings.corpus.mix:
        yield "", describe_mix(tokens, text_bytes, sources, settings)
    yield "", f"{flops:.3g} FLOPs, {flops / PETAFLOP_S_DAY:.3g} petaflop/s-days (GPT-1: {GPT1_PETAFLOP_S_DAYS})"
    if flops >= GPU_DAY / 100:
        state = readable_bytes(min_training_memory(weights, settings, 1) + plan.carried_bytes)
        days = f"{flops / GPU_DAY:,.0f}" if flops >= 10 * GPU_DAY else f"{flops / GPU_DAY:.2g}"
        yield "", f"about {days} GPU-days of an H100; {state} of weights, gradients and moments"


def _measured(weights: int, token_flops: int, settings: Settings) -> Iterator[tuple[str, str]]:
    """Describe what it takes on this machine, from a dry run if one process can train the model."""
    section, plan, times = settings.scale.pretrain, Plan(settings.scale), len(settings.pretrain.seeds)
    processes, gpus = _processes(settings)
    for size in (plan.smallest_batch, plan.batch_size):
        check_batch_size(size, section.sharded, Group(world_size=processes))
    state = min_training_memory(weights, settings, processes) + plan.carried_bytes
    least = check_memory(state, "at least", settings, gpus)
    if section.sharded and processes > 1:
        yield "memory", least
        yield "time", "not measured: the model is sharded (pretrain.sharded), so no single process can run it"
        return
    run = dry_run(settings, processes)
    yield "device", f"{_times(processes, run.device)}, {run.precision} ({run.precision_reason})"
    yield "", run.compiled
    yield "memory", check_memory(run.memory_bytes * processes, _measured_with(run), settings, gpus)
    tokens_per_step = plan.batch_size * plan.context
    seconds = run.seconds_per_step * plan.tokens / tokens_per_step * times
    mfu = token_flops * tokens_per_step / run.seconds_per_step / (run.peak_flops * processes)
    price = settings.hourly_cost
    cost = "" if price is None else f", a cost of {price * seconds / 3600:,.2f}"
    all_of_them = " them all" if times > 1 else ""
    yield (
        "time",
        f"about {readable_time(seconds)} to pre-train{all_of_them}{cost}: {run.seconds_per_step:.3g} s per step, "
        f"measured; {tokens_per_step / run.seconds_per_step:,.0f} tokens/s, MFU {mfu:.0%}",
    )


def _processes(settings: Settings) -> tuple[int, int]:
    """Return how many processes will train on this machine, and how many GPUs they use."""
    import torch

    from pretrace.training.distributed.group import processes_here

    processes = processes_here(settings.scale)
    gpus = min(processes, torch.cuda.device_count())
    return gpus or processes, gpus


def _times(count: int, device: str) -> str:
    return f"{count} processes on {device}" if count > 1 else device


def _measured_with(run: DryRun) -> str:
    if run.memory_is_measured:
        return f"measured with micro-batches of {run.micro_batch}:"
    return f"for micro-batches of {run.micro_batch}, from one of {run.measured_batch}, about"
