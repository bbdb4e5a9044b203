"""Short documents, with near duplicates looked for; and near duplicates where all documents are alike."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from datasketch import MinHash
from measure import Rounds, in_turns, size_of, summary

from pretrace.corpus import Document, Gpt1Words, clean_text
from pretrace.corpus.cleaning.document_steps import ApplySteps
from pretrace.corpus.cleaning.input_spans import BATCH_BYTES
from pretrace.corpus.cleaning.run import document_steps
from pretrace.corpus.documents import in_batches
from pretrace.corpus.filters.band_buckets import BandFiles
from pretrace.corpus.filters.minhash import (
    PERMUTATIONS,
    band_hashes,
    band_rows,
    buckets,
    shingles,
    signatures,
    similarity,
)
from pretrace.corpus.filters.near_duplicates import find_near_duplicates
from pretrace.settings import NearDuplicateRules, Quality

SHORT_WORDS, SHORT_BYTES = 60, 2_000_000
ROUNDS = 5
RULES = NearDuplicateRules(action="group")


def compare_short(texts: list[str]) -> list[dict[str, Any]]:
    """Compare the steps of a document with near duplicates on, for short documents and for whole books.

    `plain` is a document at a time, with datasketch. MB/s of raw text in one process.
    """
    short = short_documents(texts, SHORT_BYTES)
    return [_compare_steps("60-word documents", short), _compare_steps("books", texts[:4])]


def _compare_steps(what: str, texts: list[str]) -> dict[str, Any]:
    documents = [Document(str(number), "bench", text) for number, text in enumerate(texts)]
    steps = ApplySteps(document_steps(Quality(near_duplicates=RULES), [], Gpt1Words()))

    def ours() -> list[tuple[str, bytes]]:
        cleaned = [one for batch in in_batches(documents, BATCH_BYTES) for one in steps(batch)]
        return [(one.prepared, one.bands) for one in cleaned if not one.reason]

    def plain() -> list[tuple[str, bytes]]:
        prepared = [text for text in map(clean_text, texts) if text]
        return [
            (text, band_hashes(_by_datasketch(text)[None], band_rows(RULES.threshold)).tobytes()) for text in prepared
        ]

    ours()
    seconds, made = in_turns({"ours": ours, "plain": plain}, ROUNDS)
    rounds = {arm: [size_of(texts) / 1e6 / spent for spent in each] for arm, each in seconds.items()}
    return summary(f"cleaning with near duplicates, {what}", "MB/s", rounds, made["ours"] == made["plain"], faster=1)


def compare_alike() -> list[dict[str, Any]]:
    """Compare near duplicates among pages of one template with a comparison of pairs, and 10,000 with 1,000 of them.

    Documents a second, from their shingles on disk to groups.
    """
    few, many = alike(1_000), alike(10_000)
    seconds, made = in_turns({"ours": lambda: _groups(few), "plain": lambda: _by_pairs(few)}, 3)
    against_pairs = {arm: [len(few) / spent for spent in each] for arm, each in seconds.items()}
    seconds, found = in_turns({"ours": lambda: _groups(many), "thousand": lambda: _groups(few)}, 3)
    of_many: Rounds = {
        arm: [len(texts) / spent for spent in seconds[arm]] for arm, texts in (("ours", many), ("thousand", few))
    }
    work, all_in_one = "near duplicates, 1,000 alike", found["ours"] == dict.fromkeys(range(len(many)), 0)
    return [
        summary(work, "documents/s", against_pairs, made["ours"] == made["plain"], faster=1),
        summary("near duplicates, 10,000 alike", "documents/s", of_many, all_in_one, faster=1, other="thousand"),
    ]


def short_documents(texts: list[str], size: int) -> list[str]:
    """Return successive documents of 60 words, as they are written, until they have about so many bytes."""
    documents = []
    for text in texts:
        lines = [line for line in text.split("\n") if line.strip()]
        words, start = 0, 0
        for number, line in enumerate(lines, 1):
            words += len(line.split())
            if words >= SHORT_WORDS:
                documents.append("\n".join(lines[start:number]))
                size -= len(documents[-1])
                words, start = 0, number
            if size <= 0:
                return documents
    return documents


def alike(count: int) -> list[str]:
    """Return pages of 100 words of which one is another in each."""
    chance = random.Random(count)
    pages = []
    for number in range(count):
        words = [f"w{at}" for at in range(100)]
        words[chance.randrange(100)] = f"own{number}"
        pages.append(" ".join(words))
    return pages


def _groups(texts: list[str]) -> dict[int, int]:
    with tempfile.TemporaryDirectory() as folder:
        rows = band_rows(RULES.threshold)
        with BandFiles(Path(folder) / "bands", PERMUTATIONS // rows) as bands:
            bands.add(band_hashes(signatures(texts, RULES.shingle_words), rows).tobytes())
            return find_near_duplicates(texts, bands, RULES)[1]


def _by_pairs(texts: list[str]) -> dict[int, int]:
    """Find the same groups by a comparison of each pair that agrees in a band, unless both are in a group already."""
    sets = [shingles(text, RULES.shingle_words) for text in texts]
    first = list(range(len(texts)))

    def root(number: int) -> int:
        while first[number] != number:
            number = first[number]
        return number

    for bucket in buckets(signatures(texts, RULES.shingle_words), band_rows(RULES.threshold)):
        for a, b in combinations(bucket, 2):
            if root(a) != root(b) and similarity(sets[a], sets[b]) >= RULES.threshold:
                low, high = sorted((root(a), root(b)))
                first[high] = low
    roots = [root(number) for number in range(len(texts))]
    sizes = Counter(roots)
    return {number: start for number, start in enumerate(roots) if sizes[start] > 1}


def _by_datasketch(text: str) -> np.ndarray:
    sketch = MinHash(PERMUTATIONS, hashfunc=int, scheme="affine32")
    sketch.update_batch((shingles(text, RULES.shingle_words) >> np.uint64(32)).tolist())
    return sketch.hashvalues
