"""What workers have done of a large corpus, kept until all is done: a run that was killed goes on from there.

A file holds the results of one batch, and its name is the hash of all that they depend on: the batch's texts, the work
(its settings, the lines to cut, the evaluation text) and the code. It is whole or absent.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.code import code_hash
from pretrace.common.files import atomic_path, sha256_of_json
from pretrace.corpus.cleaning.document_steps import Result, Work
from pretrace.corpus.documents import Document
from pretrace.corpus.filters.quality import Verdict

LEAST_BYTES = 256 << 20
"""Text of which results are kept. Less is cleaned again in seconds."""
ARRAYS = {"signature": np.uint32, "lines": np.uint64}


class KeptWork:
    """Does a batch, or finds in `folder` what was done of it."""

    def __init__(self, work: Work, folder: Path) -> None:
        self._work, self._folder = work, folder
        self._made_by = sha256_of_json(
            {
                "quality": work.quality.model_dump(mode="json"),
                "steps": [work.clean, work.finish],
                "common": sorted(work.common.items()),
                "evaluation": [asdict(text) for text in work.evaluation.texts] if work.evaluation else None,
                "code": code_hash(__name__),
            }
        )

    def __call__(self, documents: list[Document]) -> list[Result]:
        texts = [document.text for document in documents]
        path = self._folder / f"{sha256_of_json([self._made_by, texts])}.json.gz"
        try:
            with gzip.open(path, "rt", encoding="utf-8") as stream:
                return [_from_json(value) for value in json.load(stream)]
        except FileNotFoundError:
            pass
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)  # damaged: it is done again
        results = self._work(documents)
        with atomic_path(path) as temporary, gzip.open(temporary, "wt", compresslevel=1, encoding="utf-8") as stream:
            json.dump([_to_json(result) for result in results], stream)
        return results


def keeping(work: Work, folder: Path | None) -> Work | KeptWork:
    """The work, with its results kept in the folder, if there is one."""
    return KeptWork(work, folder) if folder else work


def _to_json(result: Result) -> dict[str, Any]:
    arrays = {name: None if (found := getattr(result, name)) is None else found.tolist() for name in ARRAYS}
    return asdict(result) | {"digest": result.digest.hex()} | arrays


def _from_json(value: dict[str, Any]) -> Result:
    result = Result(**value)
    result.digest = bytes.fromhex(value["digest"])
    result.verdict = Verdict(**value["verdict"]) if value["verdict"] else None
    result.cuts = [(Verdict(**verdict), lines) for verdict, lines in value["cuts"]]
    result.shared = [(task, row) for task, row in value["shared"]]
    for name, kind in ARRAYS.items():
        setattr(result, name, None if value[name] is None else np.array(value[name], kind))
    return result
