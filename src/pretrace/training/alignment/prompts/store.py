"""Passages, texts and compared answers on disk: Parquet files of lists of ids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.files import atomic_path
from pretrace.corpus.readers.tables.read_table import read_table
from pretrace.training.alignment.prompts.from_documents import Passage
from pretrace.training.alignment.prompts.gold import GoldReward
from pretrace.training.alignment.reward.comparisons import Compared
from pretrace.training.alignment.text.conversation import Rendered


def write_passages(path: Path, passages: Sequence[Passage]) -> None:
    """Write prompts with their demonstrations."""
    names = ("prompt", "answer", "group")
    _write(path, {name: [_plain(getattr(one, name)) for one in passages] for name in names})


def read_passages(path: Path) -> list[Passage]:
    """Read what `write_passages` wrote. Raises `PretraceError` if the file is missing or damaged."""
    prompts, answers, groups = _read(path, "prompt", "answer", "group")
    return [Passage(tuple(p), tuple(a), g) for p, a, g in zip(prompts, answers, groups, strict=True)]


def write_texts(path: Path, texts: Sequence[Rendered]) -> None:
    """Write texts with what of them is trained."""
    _write(path, {"ids": [t.ids_T.tolist() for t in texts], "trained": [t.trained_T.tolist() for t in texts]})


def read_texts(path: Path) -> list[Rendered]:
    """Read what `write_texts` wrote. Raises `PretraceError` if the file is missing or damaged."""
    ids, trained = _read(path, "ids", "trained")
    return [Rendered(np.array(i), np.array(t, bool)) for i, t in zip(ids, trained, strict=True)]


def write_compared(path: Path, rows: Sequence[Compared]) -> None:
    """Write prompts with compared answers."""
    names = ("prompt", "answers", "scores", "margins")
    _write(path, {name: [_plain(getattr(row, name)) for row in rows] for name in names})


def read_compared(path: Path) -> list[Compared]:
    """Read what `write_compared` wrote. Raises `PretraceError` if the file is missing or damaged."""
    columns = _read(path, "prompt", "answers", "scores", "margins")
    return [
        Compared(tuple(prompt), tuple(map(tuple, answers)), tuple(scores), margins)
        for prompt, answers, scores, margins in zip(*columns, strict=True)
    ]


def write_gold(path: Path, gold: GoldReward) -> None:
    """Write a gold reward: a row a token, of which all have the same mean and spread."""
    count = len(gold.weights_V)
    _write(path, {"weight": gold.weights_V.tolist(), "mean": [gold.mean] * count, "spread": [gold.spread] * count})


def read_gold(path: Path) -> GoldReward | None:
    """Read what `write_gold` wrote; None if there is no such file. Raises `PretraceError` if it is damaged."""
    if not path.exists():
        return None
    weights, means, spreads = _read(path, "weight", "mean", "spread")
    return GoldReward(np.array(weights), means[0], spreads[0])


def _plain(value: Any) -> Any:
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value


def _write(path: Path, columns: dict[str, list[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd", store_schema=False)


def _read(path: Path, *names: str) -> list[list[Any]]:
    table = read_table(path, names)
    return [table.column(name) for name in names]
