"""Cleaning against the original recipe written out, and by two processes against one."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from measure import Rounds, size_of, summary, timed
from texts import in_parts

from pretrace.corpus import Document, Gpt1Words, clean_text, clean_text_plainly, write_documents
from pretrace.corpus.cleaning.document_steps import ApplySteps
from pretrace.corpus.cleaning.input_spans import Span, spans_of
from pretrace.corpus.cleaning.passes import PRELOAD
from pretrace.corpus.cleaning.rejects import Rejects
from pretrace.corpus.cleaning.run import deduplicate, document_steps
from pretrace.corpus.cleaning.text_spool import CleanToSpool, TextSpool
from pretrace.corpus.filters.base import CleanedDocument
from pretrace.corpus.parallel import map_in_order
from pretrace.settings import Quality, Workers

CLEANING_ROUNDS, MOST_CLEANED = 8, 56_000_000
WORKER_ROUNDS = 5


def compare_cleaning(texts: list[str]) -> dict[str, Any]:
    """Compare `clean_text`, with an empty cache, with the recipe step by step; each text once, MB/s of raw text."""
    ways: dict[str, Callable[[str], str]] = {"ours": clean_text, "plain": clean_text_plainly}
    for way in ways.values():
        way("This loads spaCy's rules, which is not measured.")
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
    """Compare cleaning by two processes with one, each with empty caches; MB/s without their start.

    It is the stage `clean` up to the splits: from documents on disk to cleaned text on disk, with the measures of each
    document. Processor seconds tell more than the clock where others use the same cores.
    """
    rounds: Rounds = {"ours": [], "one": []}
    seconds: dict[str, list[dict[str, float]]] = {arm: [] for arm in rounds}
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "documents"
        write_documents(raw, (Document(str(number), "bench", text) for number, text in enumerate(texts)))
        for number in range(WORKER_ROUNDS):
            for arm, count in sorted({"ours": 2, "one": 1}.items(), reverse=bool(number % 2)):
                results[arm], spent, processors = _in_a_new_process(_cleaned_by, count, raw, Path(folder) / "cleaned")
                rounds[arm].append(size_of(texts) / 1e6 / spent)
                seconds[arm].append(processors)
    same = results["ours"] == results["one"]
    result = summary("cleaning by two processes", "MB/s", rounds, same, faster=1, other="one")
    medians = {arm: {who: statistics.median(r[who] for r in each) for who in each[0]} for arm, each in seconds.items()}
    return result | {"processor_seconds": medians}


def _in_a_new_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call it in a process of its own, as a stage is: memory that was used before would be faster."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _cleaned_by(count: int, raw: Path, cleaned: Path) -> tuple[Any, float, dict[str, float]]:
    """Return the kept documents with the checksum of their text; and the seconds since every worker was ready."""
    clocks: dict[int, list[float]] = {}
    started = own = 0.0

    def documents(clean: CleanToSpool) -> Iterator[CleanedDocument]:
        nonlocal started, own
        batches: list[Span | None] = [*[None] * count, *spans_of(raw, count)]
        for span, (worker, clock, of_span) in map_in_order(Clocked(clean), batches, Workers(count=count), PRELOAD):
            if span is None:
                started, own = time.perf_counter(), time.process_time()
                clocks[worker] = [clock, clock]
            clocks.setdefault(worker, [clock, clock])[1] = clock
            yield from of_span

    clean = CleanToSpool(ApplySteps(document_steps(Quality(), None, Gpt1Words())), cleaned)
    with Rejects(cleaned.with_name("rejects.jsonl")) as rejects:
        kept = deduplicate(rejects.keep(documents(clean)), TextSpool(cleaned), rejects)
    spent, own = time.perf_counter() - started, time.process_time() - own
    others = sum(last - first for worker, (first, last) in clocks.items() if worker != os.getpid())
    digest = hashlib.sha256()
    for text in kept.prepared_texts():
        digest.update(text.encode())
    shutil.rmtree(cleaned)
    return (kept.documents, digest.digest()), spent, {"parent": round(own, 3), "workers": round(others, 3)}


class Clocked:
    """The function of the stage's workers, with their PID and their clock of processor time.

    None as a batch only loads what is needed, and takes so long that each worker gets one.
    """

    def __init__(self, clean: CleanToSpool) -> None:
        self._clean = clean

    def __call__(self, span: Span | None) -> tuple[int, float, list[CleanedDocument]]:
        if span is None:
            clean_text("This loads spaCy's rules.")
            time.sleep(1)
        documents = self._clean(span) if span else []
        return os.getpid(), time.process_time(), documents
