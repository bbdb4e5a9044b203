"""Shards and rows of made-up token ids, for a machine without a corpus or a task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from pretrace.common.files import sha256_of_file
from pretrace.schemas.record import write_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.schemas.tokens import Manifest, OffsetsFile, ShardFile, SplitManifest
from pretrace.settings.columns import Columns
from pretrace.tasks.rows.dataset import SPLITS, TASK
from pretrace.tokens.shards.format import MANIFEST, OFFSET

DOCUMENT = 1000
"""Tokens of a document."""
LABELS = ["entailment", "not_entailment"]


def draw_ids(random: np.random.Generator, vocabulary: int, count: int) -> np.ndarray:
    """Return token ids with word-like (Zipf) frequencies."""
    weights = 1.0 / np.arange(10, vocabulary + 10)
    return random.choice(vocabulary, count, p=weights / weights.sum()).astype(np.uint16)


def write_shards(folder: Path, vocabulary: int, tokens: int) -> Path:
    """Write shards of so many training tokens, and a tenth of them for validation."""
    folder.mkdir()
    splits = {"train": tokens, "validation": tokens // 10}
    manifest = Manifest(
        vocabulary="made up",
        vocabulary_size=vocabulary,
        id_type="uint16",
        splits={split: _write_split(folder, split, vocabulary, count) for split, count in splits.items()},
    )
    write_record(folder / MANIFEST, manifest)
    return folder


def _write_split(folder: Path, split: str, vocabulary: int, tokens: int) -> SplitManifest:
    ids, documents = folder / f"{split}-00000.bin", folder / f"{split}-documents.bin"
    ids.write_bytes(draw_ids(np.random.default_rng(len(split)), vocabulary, tokens).tobytes())
    ends = np.append(np.arange(0, tokens, DOCUMENT), tokens).astype(OFFSET)
    documents.write_bytes(ends.tobytes())
    count = len(ends) - 1
    return SplitManifest(
        tokens=tokens,
        words=tokens,
        bytes=4 * tokens,
        documents=count,
        offsets=OffsetsFile(name=documents.name, sha256=sha256_of_file(documents)),
        files=[ShardFile(name=ids.name, tokens=tokens, documents=count, sha256=sha256_of_file(ids))],
    )


def write_pairs(folder: Path, vocabulary: int, rows: tuple[int, int, int], words: tuple[int, int]) -> TaskRecord:
    """Write rows of two texts, of which every second has the words of its second text from the first.

    Args:
        rows: of train, dev and test.
        words: mean number of tokens of both texts.
    """
    folder.mkdir()
    record = TaskRecord(
        **{"kind": "entailment", "metric": "accuracy", "labels": LABELS, "unavailable": None},
        **{"rows": dict(zip(SPLITS, rows, strict=True)), "details": {}, "overrides": {}, "zero_shot": []},
        **{"card": None, "columns": Columns()},
    )
    write_record(folder / TASK, record)
    for number, (split, count) in enumerate(zip(SPLITS, rows, strict=True)):
        random, parts = np.random.default_rng(number), []
        for row in range(count):
            first, second = (max(2, int(random.poisson(mean))) for mean in words)
            premise = draw_ids(random, vocabulary, first)
            parts += [premise, random.choice(premise, second) if row % 2 else draw_ids(random, vocabulary, second)]
        offsets = np.cumsum([0, *map(len, parts)]).astype(np.int64)
        labels = (np.arange(count) + 1) % 2
        save_file({"ids": np.concatenate(parts), "offsets": offsets, "labels": labels}, folder / f"{split}.safetensors")
    return record
