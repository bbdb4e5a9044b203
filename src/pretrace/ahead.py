"""What a run is going to need, before it starts: `pretrace check`.

Everything that a person can get wrong is looked at (settings, packages, text, task files, room on the disk), and the
sizes that follow from the settings are worked out. Nothing is written.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pretrace.corpus import place_of, read_corpus
from pretrace.corpus.bad_input import stop
from pretrace.errors import PretraceError
from pretrace.files import read_json
from pretrace.model import build_model
from pretrace.report.page import readable_bytes
from pretrace.settings import Settings
from pretrace.tasks.readers import read_task_files
from pretrace.training.devices import choose_device
from pretrace.training.flops import flops_per_token, peak_flops
from pretrace.training.start import read_start
from pretrace.vocabulary import load_vocabulary, vocabulary_folder

STATE_COPIES = 3
"""What training holds of each weight beside itself: a gradient and Adam's two moments."""
CHECKPOINT_COPIES, CHECKPOINTS = 3, 3
"""The weights and two moments; two checkpoints are kept while a third is written."""
TEXT_COPIES = 4
"""Documents, clean text and shards, each in the workspace and in DVC's cache, compressed to about two thirds."""
BYTES = 4


def look_ahead(settings: Settings) -> Iterator[tuple[str, str]]:
    """Check what a run needs; yields what it is, as (heading, text).

    Raises:
        PretraceError: the first thing that would stop the run, with the line that the stage would say.
    """
    yield "scale", f"{settings.scale_name} ({len(settings.seeds)} seeds, fine-tuning rate {settings.finetune_lr:g})"
    text_bytes, corpus = _corpus(settings)
    yield "corpus", corpus
    yield from _tasks(settings)
    device = choose_device(settings.scale.pretrain.precision, settings.scale.threads)
    speed = peak_flops(device) * (settings.scale.processes if device.name == "cpu" else 1)
    yield "device", f"{device.name}, {str(device.dtype).removeprefix('torch.')} ({device.reason})"
    kinds = sorted({"transformer"} | {v.model for v in settings.variants.values() if v.pretrained}, reverse=True)
    weights = 0
    for kind in kinds:
        model = _shape_of(kind, settings)
        count = sum(parameter.numel() for parameter in model.parameters())
        weights = max(weights, count)
        if kind == "transformer" and settings.pretrain.start_from:
            yield from _start(settings)
        else:
            yield from _pretraining(kind, count, flops_per_token(model), speed, settings)
    yield (
        "fine-tuning",
        f"{len(settings.tasks)} tasks x {len(settings.variants)} variants x {len(settings.seeds)} seeds",
    )
    yield "memory", f"at least {readable_bytes(_memory(weights, settings))} to pre-train, beside Python and PyTorch"
    yield "disk", _disk(weights, text_bytes, settings)


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
    skip = corpus.on_bad_input == "skip"
    tally: Counter[str] = Counter()
    first = next(read_corpus(corpus, (lambda fault: None) if skip else stop, tally), None)
    place = place_of(corpus)
    if first is None:
        raise PretraceError(f"{place}: no text there; all its files or rows are empty{' or bad' * skip}")
    found = f"the first document is {first.id!r} of source {first.source!r}"
    if corpus.source == "huggingface":
        return 0, f"{place} at {str(corpus.dataset.revision)[:8]}; {found}"
    return tally["bytes"], f"{place}: {readable_bytes(tally['bytes'])}; {found}"


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
    folder = str(settings.pretrain.start_from)
    vocabulary = load_vocabulary(vocabulary_folder(folder))
    model = read_start(settings, vocabulary.size)
    yield "transformer", f"{sum(parameter.numel() for parameter in model.parameters()):,} parameters from {folder}"
    yield "pre-training", f"none; the vocabulary of {vocabulary.size:,} pieces comes with the weights"


def _pretraining(
    kind: str, weights: int, flops_a_token: int, speed: float, settings: Settings
) -> Iterator[tuple[str, str]]:
    section = settings.scale.pretrain
    tokens = section.steps * section.batch_sequences * settings.scale.model.context
    flops = tokens * flops_a_token
    manifest = Path("data/shards/manifest.json")
    passes = ""
    if manifest.exists():
        passes = (
            f", {tokens / read_json(manifest)['splits']['train']['tokens']:.1f} passes over what data/shards has now"
        )
    yield kind, f"{weights:,} parameters"
    yield "pre-training", f"{section.steps:,} updates, {tokens:,} tokens{passes}"
    yield "", f"{flops:.3g} FLOPs; {_duration(flops / speed)} if this machine did nothing but matrix products"


def _memory(weights: int, settings: Settings) -> int:
    """Bytes of weights, gradients and moments, and of a micro-batch's logits in float32 and in half precision."""
    scale = settings.scale
    rows = min(scale.pretrain.micro_batch, scale.pretrain.batch_sequences) * scale.model.context
    return scale.processes * (weights * BYTES * (1 + STATE_COPIES) + rows * scale.vocabulary.size * (BYTES + 2))


def _disk(weights: int, text_bytes: int, settings: Settings) -> str:
    cells = len(settings.tasks) * len(settings.variants)
    copies = CHECKPOINTS * CHECKPOINT_COPIES + 2 + cells * (2 + len(settings.seeds))
    needed = copies * weights * BYTES + TEXT_COPIES * text_bytes
    free = shutil.disk_usage(Path.cwd()).free
    if needed > free:
        raise PretraceError(
            f"{Path.cwd()}: the run needs about {readable_bytes(needed)} and {readable_bytes(free)} are free; "
            "make some room"
        )
    return f"about {readable_bytes(needed)} needed, {readable_bytes(free)} free"


def _duration(seconds: float) -> str:
    for limit, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * limit:
            return f"{seconds / limit:.1f} {unit}"
    return f"{seconds:.0f} seconds"
