"""Cleaning against the original recipe written out, and by two processes against one."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from measure import Rounds, size_of, summary, timed
from texts import in_parts

from pretrace.corpus import Document, clean_text, clean_text_plainly
from pretrace.corpus.clean import _cleaner
from pretrace.corpus.documents import in_batches
from pretrace.settings import Workers
from pretrace.workers import map_in_order

CLEANING_ROUNDS, MOST_CLEANED = 8, 56_000_000
WORKER_ROUNDS = 3


def compare_cleaning(texts: list[str]) -> dict[str, Any]:
    """`clean_text` that knows no word at first, against the recipe step by step; each text once, MB/s of raw text."""
    ways: dict[str, Callable[[str], str]] = {"ours": clean_text, "plain": clean_text_plainly}
    for way in ways.values():
        way("This loads spaCy's rules, which is not what is measured.")
    rounds: Rounds = {arm: [] for arm in ways}
    seconds: Counter[str] = Counter()
    same, size = True, 0
    for number, part in enumerate(in_parts(texts, CLEANING_ROUNDS, MOST_CLEANED)):
        results = {}
        for arm in sorted(ways, reverse=bool(number % 2)):
            results[arm], spent = timed(lambda way=ways[arm], part=part: [way(text) for text in part])
            seconds[arm] += spent
            rounds[arm].append(size_of(part) / 1e6 / spent)
        same = same and results["ours"] == results["plain"]
        size += size_of(part)
    return {
        **summary("cleaning", "MB/s", rounds, same, faster=1),
        "ratio_of_totals": round(seconds["plain"] / seconds["ours"], 3),
        "bytes": size,
    }


def compare_workers(texts: list[str]) -> dict[str, Any]:
    """Cleaning by two processes against one, each beginning with no word known; MB/s without their start."""
    rounds: Rounds = {"ours": [], "one": []}
    batches = [[document.text for document in batch] for batch in in_batches(Document("", "", text) for text in texts)]
    found = {}
    for number in range(WORKER_ROUNDS):
        for arm, count in sorted({"ours": 2, "one": 1}.items(), reverse=bool(number % 2)):
            _cleaner.cache_clear()
            found[arm], spent = _cleaned_by(count, batches)
            rounds[arm].append(size_of(texts) / 1e6 / spent)
    return summary("cleaning by two processes", "MB/s", rounds, found["ours"] == found["one"], faster=1, other="one")


def _cleaned_by(count: int, batches: list[list[str]]) -> tuple[list[bytes], float]:
    """Checksums of the clean batches, and the seconds since every worker was there."""
    digests = []
    started = 0.0
    start: list[list[str]] = [[]] * count
    for batch, (_, digest) in map_in_order(clean_batch, [*start, *batches], Workers(count=count)):
        if batch:
            digests.append(digest)
        else:
            started = time.perf_counter()
    return digests, time.perf_counter() - started


def clean_batch(batch: list[str]) -> tuple[list[str], bytes]:
    """Clean texts, with their checksum, as the stage's workers do.

    An empty batch only loads what is needed, and takes so long that each worker gets one.
    """
    if not batch:
        clean_text("This loads spaCy's rules.")
        time.sleep(1)
    cleaned = [clean_text(text) for text in batch]
    return cleaned, hashlib.sha256("\0".join(cleaned).encode()).digest()
