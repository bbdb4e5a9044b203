"""Documents of a batch, to say which data a training stopped at.

Shards have the position of each document in the stream, but no names. Documents are ordered by a hash of source and id
(pretrace.tokens.shards.encode), so their names come from the clean text, if that is still there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pretrace.tokens.shards.format import document_rank
from pretrace.tokens.shards.read import Shards
from pretrace.tokens.shards.sampler import batch_starts


def batch_documents(shards: Shards, context: int, batch: range, seed: int) -> list[int]:
    """Return the numbers (from 0, in the order of the stream) of the documents in the sequences of a batch."""
    starts = batch_starts(shards, context, batch, seed)
    documents = shards.document_starts()
    first, last = (np.searchsorted(documents, ends, side="right") - 1 for ends in (starts, starts + context - 1))
    return sorted({n for a, b in zip(first.tolist(), last.tolist(), strict=True) for n in range(a, b + 1)})


def document_names(numbers: list[int], clean: Path) -> list[str]:
    """Return `source/id` of documents of the stream; "number 17" if the clean text in the folder `clean` is gone."""
    from pretrace.corpus.documents import read_documents

    if not clean.is_dir():
        return [f"number {number}" for number in numbers]
    ranks = sorted(
        (document_rank(document.source, document.id), document.source, document.id)
        for document in read_documents(clean)
    )
    return [f"{source}/{name}" for _, source, name in (ranks[number] for number in numbers)]
