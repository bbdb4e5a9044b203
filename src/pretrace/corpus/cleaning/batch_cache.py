"""On-disk cache of cleaned batches, so that an interrupted run over a large corpus resumes.

A file holds the documents of one batch after the steps. Its name is the hash of all that they depend on: the batch, the
steps with their settings, and the code. It is whole or absent.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.code import code_hash
from pretrace.common.files import atomic_path, sha256_of_json
from pretrace.corpus.cleaning.document_steps import ApplySteps
from pretrace.corpus.documents import Document
from pretrace.corpus.filters.base import CleanedDocument, Reason

CACHED_FROM_BYTES = 256 << 20
"""Text below which nothing is cached: it is cleaned again in seconds."""
BYTES = ("digest", "bands")


class CachedSteps:
    """Applies steps to a batch, or reads from `folder` what they made of it in an earlier run.

    `inputs` is JSON: all that the steps depend on besides the batch and the code.
    """

    def __init__(self, apply: ApplySteps, folder: Path, inputs: Any) -> None:
        self._apply, self._folder = apply, folder
        steps = [(type(step).__name__, code_hash(type(step).__module__)) for step in apply.steps]
        self._key = sha256_of_json([steps, inputs, code_hash(__name__)])

    def __call__(self, documents: list[Document]) -> list[CleanedDocument]:
        batch = [asdict(document) for document in documents]
        path = self._folder / f"{sha256_of_json([self._key, batch])}.json.gz"
        try:
            with gzip.open(path, "rt", encoding="utf-8") as stream:
                return [_from_json(value) for value in json.load(stream)]
        except FileNotFoundError:
            pass
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)  # damaged: it is made again
        cleaned = self._apply(documents)
        text = json.dumps([_to_json(document) for document in cleaned])
        with atomic_path(path) as temporary:
            # Without a time: gzip has none before 1970.
            temporary.write_bytes(gzip.compress(text.encode(), compresslevel=1, mtime=0))
        return cleaned


def cached(apply: ApplySteps, folder: Path | None, inputs: Any) -> Callable[[list[Document]], list[CleanedDocument]]:
    """Return the steps with their results cached in the folder, if there is one."""
    return CachedSteps(apply, folder, inputs) if folder else apply


def _to_json(document: CleanedDocument) -> dict[str, Any]:
    hashes = None if document.line_hashes is None else document.line_hashes.tolist()
    return asdict(document) | {name: getattr(document, name).hex() for name in BYTES} | {"line_hashes": hashes}


def _from_json(value: dict[str, Any]) -> CleanedDocument:
    document = CleanedDocument(**value)
    for name in BYTES:
        setattr(document, name, bytes.fromhex(value[name]))
    document.reason = Reason(**value["reason"]) if value["reason"] else None
    document.cuts = [(Reason(**reason), lines) for reason, lines in value["cuts"]]
    document.evaluation_rows = [(task, row) for task, row in value["evaluation_rows"]]
    document.evaluation_ngrams = [(place, number) for place, number in value["evaluation_ngrams"]]
    if value["line_hashes"] is not None:
        document.line_hashes = np.array(value["line_hashes"], np.uint64)
    return document
