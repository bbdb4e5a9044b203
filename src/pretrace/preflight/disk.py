"""Disk space: how much a run needs, and whether it is free."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from pretrace.common.errors import PretraceError
from pretrace.common.units import readable_bytes
from pretrace.corpus.readers.decompress import open_file
from pretrace.corpus.readers.faults import BadInputError, OnFault
from pretrace.corpus.readers.find_files import find_files
from pretrace.corpus.readers.source_file import SourceFile, kind_of
from pretrace.settings import Settings
from pretrace.training.engine.memory import WEIGHT_BYTES
from pretrace.training.pretraining.plan import Plan

CHECKPOINT_COPIES, CHECKPOINTS = 3, 3
"""A checkpoint has the weights and two moments; two checkpoints are kept while a third is written."""
TEXT_COPIES = 5
"""Documents, clean text and shards, each in the workspace and in DVC's cache, and prepared text once, compressed to
about two thirds."""
COPIES_OF_A_SYSTEM = 2
"""Of a further system: shards, in the workspace and in DVC's cache, and prepared text."""
SAMPLED_FILES, SAMPLED_BYTES = 3, 16 << 20
"""The largest compressed files are sampled, from their beginning, for how far they unpack."""
GROWTH = 5.0
"""Ratio of unpacked to compressed size for files that cannot be sampled: 3 to 5 for prose."""


def check_disk(weights: int, text_bytes: int, settings: Settings) -> str:
    """Check that the disk has space for the run; return a description.

    Raises:
        PretraceError: less is free.
    """
    starts = [len(settings.pretrainings()) if v.pretrained else 1 for v in settings.variants.values()]
    copies, carried = len(settings.tasks) * sum(2 + count * len(settings.seeds) for count in starts), 0
    for system in settings.systems.values():
        of_pretraining = CHECKPOINTS * CHECKPOINT_COPIES + 2
        plan = Plan(system.scale)
        carried += len(settings.pretrainings()) * CHECKPOINTS * plan.carried_bytes
        if system.scale.pretrain.save_at_powers_of_two:
            of_pretraining += 3 * (1 + math.floor(math.log2(plan.steps)))
        copies += len(settings.pretrainings()) * of_pretraining
    of_text = TEXT_COPIES + COPIES_OF_A_SYSTEM * (len(settings.systems) - 1)
    models, text = copies * weights * WEIGHT_BYTES + carried, of_text * text_bytes
    free = shutil.disk_usage(Path.cwd()).free
    parts = f"{readable_bytes(models)} for models and checkpoints" + f", {readable_bytes(text)} for text" * bool(text)
    if models + text > free:
        raise PretraceError(
            f"{Path.cwd()}: the run needs about {readable_bytes(models + text)} ({parts}) and {readable_bytes(free)} "
            f"are free; free some space, use fewer tasks, variants or seeds in params.yaml, or lower model.width or "
            f"model.layers in scales/{settings.scale_name}.yaml"
        )
    return f"about {readable_bytes(models + text)} needed ({parts}), {readable_bytes(free)} free"


def corpus_bytes(path: str, on_fault: OnFault) -> int:
    """Return the bytes of text in the files of `path`, unpacked: estimated for compressed ones.

    An empty file of any kind is reported to `on_fault` as a file without text.
    """
    files = find_files(path, on_fault).files
    for file in files:
        if not file.size:
            on_fault(BadInputError("empty").at(file.shown))
    compressed = [file for file in files if kind_of(file.name)[1] or file.kind == ".parquet"]
    plain = sum(file.size for file in files) - sum(file.size for file in compressed)
    sampled = sorted(compressed, key=lambda file: -file.size)[:SAMPLED_FILES]
    unpacked = [(file.size, growth(file) * file.size) for file in sampled if file.size]
    stored = sum(size for size, _ in unpacked)
    rate = sum(size for _, size in unpacked) / stored if stored else 1.0
    return plain + int(rate * sum(file.size for file in compressed))


def growth(file: SourceFile) -> float:
    """Return the ratio of unpacked to packed size: from the beginning of the file, or from Parquet's metadata."""
    if file.remote:
        return GROWTH
    try:
        return _of_parquet(file) if file.kind == ".parquet" else _of_compressed(file)
    except (BadInputError, OSError, ValueError):  # reading the corpus will report the problem
        return GROWTH


def _of_parquet(file: SourceFile) -> float:
    import pyarrow.parquet as pq

    if kind_of(file.name)[1]:
        return GROWTH
    with file.open() as stream, pq.ParquetFile(stream) as table:
        groups = (table.metadata.row_group(number) for number in range(table.metadata.num_row_groups))
        return sum(group.total_byte_size for group in groups) / file.size


def _of_compressed(file: SourceFile) -> float:
    opened: list[_Counted] = []
    counted: Any = partial(_counted, file, opened)  # has all methods of a file that are used
    with open_file(replace(file, open=counted)) as stream:
        read = len(stream.read(SAMPLED_BYTES))
    return read / max(1, opened[0].bytes_read)


def _counted(file: SourceFile, opened: list[_Counted]) -> _Counted:
    opened.append(_Counted(file.open()))
    return opened[-1]


class _Counted:
    """A file that counts the bytes read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.bytes_read = stream, 0

    def read(self, size: int = -1) -> bytes:
        chunk = self.stream.read(size)
        self.bytes_read += len(chunk)
        return chunk

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.stream.seek(offset, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
