"""Features of a task, computed once and kept in `.pretrace/features/<fingerprint>/`, whole or not at all.

The fingerprint is of the rows, of the weights, of what is read of them and of the code that reads; so variants and
seeds whose heads differ share the features, and a killed run finds them again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pretrace.common.code import code_hash
from pretrace.common.errors import PretraceError
from pretrace.common.files import (
    atomic_folder,
    checksums_match,
    locked,
    read_json,
    scratch_folder,
    sha256_of_json,
    write_checksums,
    write_json,
)
from pretrace.settings.models.head import HeadSettings
from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.training.engine.fingerprint import fingerprint
from pretrace.training.features.extract import Features, Pooled, Sequences, pool, read_sequences
from pretrace.training.features.fit import FeatureRows
from pretrace.training.features.states import StateReader

WORK = "work.json"
MOST_BYTES = 16 << 30
"""Of the features of a split, which are in memory while heads are trained."""


class Kept(NamedTuple):
    """Features of a task."""

    name: str
    """The same only for the same features."""
    rows: dict[str, FeatureRows]
    """By split."""
    tokens: int
    """Tokens of all texts."""
    flops: int
    """Floating-point operations of reading them."""


def kept_features(
    splits: dict[str, EncodedSplit], head: HeadSettings, start: dict[str, Any], open_reader: Callable[[], StateReader]
) -> Kept:
    """Return the features of the splits that a head reads.

    Args:
        start: what decides the states, besides the texts: hashes of weights, or settings and seed of random ones.
        open_reader: opens the model; not called where features are kept.

    Raises:
        PretraceError: there are too many for the memory, or the disk is full.
    """
    pooled = head.reads == "mean_max"
    name = fingerprint(
        start=start,
        reads=head.reads if pooled else f"{head.reads} {head.most_tokens}",
        rows={split: sha256_of_json([rows.ids.tolist(), rows.offsets.tolist()]) for split, rows in splits.items()},
        code=[code_hash(f"pretrace.training.features.{module}") for module in ("extract", "readers")],
    )
    folder = scratch_folder() / "features" / name[:32]
    with locked(folder.parent / f"{folder.name}.lock"):
        if not checksums_match(folder):
            reader = open_reader()
            with atomic_folder(folder) as temporary:
                for split, rows in splits.items():
                    _check_size(split, rows, reader, head)
                    texts = [part for row in range(len(rows)) for part in rows.row(row)]
                    found = pool(reader, texts) if pooled else read_sequences(reader, texts, head.most_tokens)
                    _write(temporary / f"{split}.safetensors", found)
                lengths = np.concatenate([np.diff(rows.offsets) for rows in splits.values()])
                write_json(temporary / WORK, {"tokens": int(lengths.sum()), "flops": reader.flops(lengths)})
                write_checksums(temporary)
        kept = {name: FeatureRows(_read(folder / f"{name}.safetensors"), rows.labels) for name, rows in splits.items()}
        return Kept(folder.name, kept, **read_json(folder / WORK))


def _check_size(split: str, rows: EncodedSplit, reader: StateReader, head: HeadSettings) -> None:
    if head.reads == "mean_max":
        numbers = 2 * 4 * (len(rows.offsets) - 1)
    else:
        numbers = 2 * int(np.minimum(np.diff(rows.offsets), head.most_tokens).sum())
    size = numbers * reader.layers * reader.width
    if size > MOST_BYTES:
        fewer = "" if head.reads == "mean_max" else ", or a smaller `most_tokens`"
        raise PretraceError(
            f"features of {split}: {size / 1e9:,.0f} GB, and at most {MOST_BYTES / 1e9:,.0f} GB are kept; take fewer "
            f"rows (`train_rows` and `test_rows` of the task, `train_share` of the variant){fewer}"
        )


def _write(path: Path, features: Features) -> None:
    from safetensors.numpy import save_file

    if isinstance(features, Pooled):
        save_file({"pooled": features.states_SXLC}, path)
    else:
        save_file({"states": features.states_NLC, "offsets": features.offsets}, path)


def _read(path: Path) -> Features:
    from safetensors.numpy import load_file

    tensors = load_file(path)
    return Pooled(tensors["pooled"]) if "pooled" in tensors else Sequences(tensors["states"], tensors["offsets"])
