"""Where this design breaks: what grows, by how much, and at which size of text a node can bear it no more."""

from __future__ import annotations

from scale_parts.inputs import Inputs
from scale_parts.tables import number, table

from pretrace.training.engine.memory import STATE_COPIES, WEIGHT_BYTES

NIGHT = 12 * 3600
"""Seconds that one process may take for a stage (ours)."""
INT32 = 2**31
SMALL = 64e9
"""Bytes of memory of a usual machine."""
SORTED = 24
"""Bytes a document, or a window, while one array of 64-bit numbers is sorted: numbers, order and a copy."""
MONTH = 30 * 86400


def limits_table(inputs: Inputs) -> str:
    """Return a row for each limit: the size of the text at which it is reached, and what takes over."""
    rates, node = inputs.rates, inputs.node
    parent = rates.clean_parent.value + rates.bands.value * rates.band_sort.value
    parent += rates.members.value * rates.duplicates.value
    in_documents = [
        ("time of `clean`'s parent: 12 hours", NIGHT / parent, "Ray, Spark: a parent for each group of parts"),
        (
            f"memory of `clean`'s parent: {SMALL / 1e9:.0f} GB",
            SMALL / rates.clean_memory.value,
            "DuckDB, or more memory",
        ),
        ("memory of `clean`'s parent: that of the node", node.memory.value / rates.clean_memory.value, "Spark"),
        ("time of `shard`'s parent: 12 hours", NIGHT / rates.shard_parent.value, "Ray: shards of parts of the text"),
        ("memory of `shard`'s parent: that of the node", node.memory.value / rates.shard_memory.value, "Spark, DuckDB"),
        (f"sorting a band in {SMALL / 1e9:.0f} GB", SMALL / SORTED, "DuckDB, which sorts on disk; then Spark"),
        ("numbers of documents in near duplicates, 32 bits", float(INT32), "Spark: `GROUP BY` of bands"),
    ]
    rows = [
        [what, f"{number(count)} documents", _text(count * inputs.text.a_document.value), then]
        for what, count, then in in_documents
    ]
    disk = node.disk.value / inputs.text.text_copies.value
    rows.append(
        ["the node's disk, with DVC's cache", "", _text(disk), "an object store, parts fetched as they are read"]
    )
    token = inputs.text.a_token.value
    windows = node.memory.value / node.gpus.value / SORTED
    rows.append(
        [
            "order of an epoch in each rank, windows of 512",
            f"{number(windows)} windows",
            _text(windows * 512 * token),
            "a permutation that is computed, not stored",
        ]
    )
    rows.append(
        [
            "byte-level vocabulary of all text: 12 hours",
            "",
            _text(NIGHT * rates.count.value),
            "the same, of a part of the text",
        ]
    )
    check = 3600 * rates.sha256.value / inputs.text.an_id.value
    rows.append(
        [
            "shards checked before each start: an hour",
            f"{number(check)} tokens",
            _text(check * token),
            "checks as files are read",
        ]
    )
    state = WEIGHT_BYTES * (1 + STATE_COPIES)
    half = node.gpu_memory.value / 2 / state
    rows += [
        ["state in half a GPU, one copy each", f"{number(half)} parameters", "", "`sharded: true` (FSDP2)"],
        [
            "state in half of all GPUs of a node, sharded",
            f"{number(half * node.gpus.value)} parameters",
            "",
            "torchrun on more nodes; then tensor and pipeline parallelism (torchtitan, Megatron-LM)",
        ],
    ]
    return table(["limit", "reached at", "of text", "then"], rows, 0)


def _text(size: float) -> str:
    return f"{size / 1e12:,.3g} TB"
