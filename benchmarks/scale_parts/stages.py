"""Stage by stage: time, memory, disk, network and money for the text, then for pre-training it once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from scale_parts.inputs import Inputs
from scale_parts.tables import dollars, gigabytes, number, table

from pretrace.common.units import readable_time
from pretrace.preflight.check import GPU_DAY
from pretrace.settings.load import load_scale
from pretrace.training.engine.memory import STATE_COPIES, WEIGHT_BYTES
from pretrace.training.pretraining.plan import flops_a_token

ROOT = Path(__file__).parents[2]
MODELS = {"gpt1": "gpt1", "gpt3-1.3b": "gpt3", "gpt3-6.7b": "gpt3", "gpt3-13b": "gpt3"}
"""Scales, with their systems."""
PACKED = 0.4
"""Bytes of text in Parquet, compressed by Zstandard, over those of the text (assumed)."""
SAMPLE = 10e9
"""Bytes of text that a vocabulary is trained on; the stage `bpe` takes all, so it has to be run on a part (assumed)."""
CHECKPOINT_COPIES = 3
"""Weights and two moments."""


class Stage(NamedTuple):
    """Time, memory, disk and network of a stage on the node."""

    name: str
    seconds: float
    memory: float
    """Bytes, all processes together."""
    disk: float
    """Bytes written."""
    network: float
    """Bytes read or sent."""
    limited_by: str


def stages(inputs: Inputs) -> list[Stage]:
    """Return the stages up to the shards. A stage with a parent and workers takes as long as the slower of both."""
    text, rates, node = inputs.text, inputs.rates, inputs.node
    size, documents = text.bytes.value, text.bytes.value / text.a_document.value
    cores, ids = node.cores.value, size / text.a_token.value * text.an_id.value
    clean_workers = size / rates.clean.value / cores
    members = documents * rates.members.value
    clean_parent = documents * (rates.clean_parent.value + rates.bands.value * rates.band_sort.value)
    duplicates = members * rates.duplicates.value
    encode_workers, shard_parent = size / rates.encode.value / cores, documents * rates.shard_parent.value
    outputs = 2 * PACKED * size + ids
    worker_memory = cores * 0.5e9
    return [
        Stage("fetch the text", size / node.network.value, 0, PACKED * size, size, "the network"),
        Stage(
            "clean",
            max(clean_workers, clean_parent) + duplicates,
            worker_memory + documents * rates.clean_memory.value,
            PACKED * size + documents * 8 * rates.bands.value,
            0,
            _slower(clean_parent + duplicates, clean_workers),
        ),
        Stage("vocabulary, of 10 GB", SAMPLE / rates.count.value, 0, 0, 0, "two cores"),
        Stage(
            "shard",
            max(encode_workers, shard_parent),
            worker_memory + documents * rates.shard_memory.value,
            ids,
            0,
            _slower(shard_parent, encode_workers),
        ),
        Stage("DVC names the outputs", outputs / rates.md5.value, 0, 0, 0, "MD5 in one process"),
        Stage("push text and shards", outputs / node.network.value, 0, 0, outputs, "the network"),
    ]


def stages_table(inputs: Inputs) -> str:
    """Return a row for each stage, and their sum."""
    node, rows, total = inputs.node, [], stages(inputs)
    for one in [*total, _sum(total)]:
        hours = one.seconds / 3600
        prices = [dollars(hours * node.node_hour.value), dollars(hours * node.cores.value * node.core_hour.value)]
        sizes = [gigabytes(value) if value else "" for value in (one.memory, one.disk, one.network)]
        rows.append([one.name, one.limited_by, readable_time(one.seconds), *sizes, *prices])
    head = ["", "limited by", "time", "memory", "disk", "network", "USD, GPU node", "USD, without GPUs"]
    copies = inputs.text.text_copies.value * inputs.text.bytes.value
    kept = copies / 1e9 * node.store_month.value
    ends = (
        f"On disk, as `pretrace check` estimates it, with DVC's cache: {gigabytes(copies)}; "
        f"as much in an object store: {dollars(kept)} USD a month."
    )
    return f"{table(head, rows, 6)}\n\n{ends}"


def _slower(parent: float, workers: float) -> str:
    """Return the time of the parent's work and of the workers'."""
    return f"one process ({readable_time(parent)}; all workers {readable_time(workers)})"


def _sum(parts: list[Stage]) -> Stage:
    return Stage(
        "all",
        sum(one.seconds for one in parts),
        max(one.memory for one in parts),
        sum(one.disk for one in parts),
        sum(one.network for one in parts),
        "",
    )


def training_table(inputs: Inputs) -> str:
    """Return a row for each model that reads the text once."""
    text, node = inputs.text, inputs.node
    tokens, gpus = text.bytes.value / text.a_token.value, node.gpus.value
    rows = []
    for name, system in MODELS.items():
        scale = load_scale(ROOT, name, system).scale
        flops, parameters = flops_a_token(scale), parameters_of(name)
        seconds = tokens * flops / (GPU_DAY * gpus) * 86400
        state = parameters * WEIGHT_BYTES * (1 + STATE_COPIES)
        sharded = state > node.gpu_memory.value / 2
        reads = tokens / seconds / scale.model.context
        rows.append(
            [
                f"`{name}`",
                number(parameters),
                f"{gigabytes(state / gpus if sharded else state)}{', sharded' * sharded}",
                readable_time(seconds),
                number(tokens / seconds),
                number(reads),
                gigabytes(parameters * WEIGHT_BYTES * CHECKPOINT_COPIES),
                dollars(seconds / 3600 * node.node_hour.value),
            ]
        )
    head = ["scale", "parameters", "state a GPU", "time", "tokens/s", "reads/s", "a checkpoint", "USD"]
    return table(head, rows, 7)


def parameters_of(name: str) -> int:
    """Return the parameters of a scale's transformer."""
    import torch

    from pretrace.model.build import build_model

    scale = load_scale(ROOT, name, MODELS[name]).scale
    with torch.device("meta"):
        model = build_model(scale, scale.vocabulary.size, 0)
    return sum(parameter.numel() for parameter in model.parameters())
