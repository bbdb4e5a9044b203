"""Raw text to shards, end to end, against transformers' GPT-1 tokenizer, which is the original recipe."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from measure import Rounds, size_of, summary, timed
from texts import chapters

from pretrace.corpus import Document, clean_documents, clean_text_plainly, read_documents, write_documents
from pretrace.settings import Corpus, Workers

SHARD_ROUNDS = 2
CHECKED = 10
"""One document of so many is compared with the plain recipe."""


def compare_shards(texts: list[str], vocabulary: Path) -> dict[str, Any]:
    """Compare the stages `clean` and `shard` with transformers' GPT-1 tokenizer on raw text; MB/s.

    Ours is the pipeline with two workers, and also with one process. That tokenizer lower-cases text too early, so its
    ids differ; ours are compared with the recipe's.
    """
    from transformers import OpenAIGPTTokenizer

    theirs = OpenAIGPTTokenizer(str(vocabulary / "vocab.json"), str(vocabulary / "merges.txt"))
    rounds: Rounds = {"ours": [], "one_process": [], "transformers": []}
    same = True
    for number, part in enumerate([chapters(texts)] * SHARD_ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            ways: dict[str, Callable[[], Any]] = {
                "ours": lambda part=part, folder=folder: _make_shards(part, vocabulary, Path(folder) / "ours", 2),
                "one_process": lambda part=part, folder=folder: _make_shards(part, vocabulary, Path(folder) / "one", 1),
                # Not kept: millions of numbers would slow down whatever comes after.
                "transformers": lambda part=part: [len(theirs.convert_tokens_to_ids(theirs.tokenize(t))) for t in part],
            }
            for arm in sorted(ways, reverse=bool(number % 2)):
                _, spent = timed(ways[arm])
                rounds[arm].append(size_of(part) / 1e6 / spent)
            same = same and _is_recipe(part, vocabulary, Path(folder) / "ours")
    return summary("raw text to shards", "MB/s", rounds, same, faster=1, other="transformers")


def _make_shards(texts: list[str], vocabulary: Path, folder: Path, processes: int) -> None:
    """Do as the stages `clean` and `shard`; all but a document or two for the probes goes into shards."""
    from pretrace.tokens import load_vocabulary
    from pretrace.tokens.shards import write_shards

    write_documents(folder / "documents", (Document(str(n), "bench", text) for n, text in enumerate(texts)))
    workers = Workers(count=processes)
    corpus = Corpus(packages=["unused"], probe_share=1e-6)
    clean_documents(folder / "documents", folder / "clean", corpus, workers)
    write_shards(folder / "clean", load_vocabulary(vocabulary), folder / "shards", workers=workers)


def _is_recipe(texts: list[str], vocabulary: Path, folder: Path) -> bool:
    """Return True if the shards have the ids of the plain recipe and a vocabulary with an empty cache."""
    from pretrace.tokens import load_vocabulary
    from pretrace.tokens.shards import open_shards

    loaded = load_vocabulary(vocabulary)
    in_shards: set[bytes] = set()
    documents = 0
    for split in ("train", "validation"):
        shards = open_shards(folder / "shards", split)
        spans = list(pairwise(shards.document_starts().tolist()))
        in_shards.update(shards.read(start, end - start).tobytes() for start, end in spans)
        documents += len(spans)
    probes = {int(document.id) for document in read_documents(folder / "clean" / "probes")}
    checked = [text for number, text in enumerate(texts) if number % CHECKED == 0 and number not in probes]
    expected = (loaded.encode_words(clean_text_plainly(text) + "\n") for text in checked)
    return documents + len(probes) == len(texts) and all(
        np.array(ids, np.int64).tobytes() in in_shards for ids in expected
    )
