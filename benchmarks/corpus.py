"""The corpus factory against what others offer for the same work: cleaning, vocabulary, ids, all of it end to end.

The text is the books of the development data (PRETRACE_DATA, else ../shared/data), or the default corpus where they
are not; nothing is downloaded. One process with one thread each, unless the name of the arm says more.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from measure import Rounds, size_of, summary, timed
from peers import load_hugging_face, pieces_of, train_hugging_face, train_sentencepiece, write_vocabulary

from pretrace.corpus import (
    Document,
    clean_documents,
    clean_text,
    clean_text_plainly,
    collect_installed,
    read_documents,
    write_documents,
)
from pretrace.corpus.clean import _cleaner
from pretrace.settings import Corpus, Workers
from pretrace.vocabulary.train import _coverage, _train
from pretrace.workers import map_in_order

BOOKS = Path(os.environ.get("PRETRACE_DATA", Path(__file__).parents[2] / "shared" / "data")) / "books"
CLEANING_ROUNDS, MOST_CLEANED = 8, 56_000_000
TRAINING_ROUNDS, ENCODING_ROUNDS, SHARD_ROUNDS = 3, 4, 3
WORKER_ROUNDS = 2
SHARD_CHARACTERS = 2_000_000
CHAPTER = 50_000
"""Characters of a document where a book must be several."""
MOST_PIECES = 40_478
BATCH_CHARACTERS = 500_000


def read_texts() -> list[str]:
    """The texts that are worked on: whole books, or documents."""
    if BOOKS.is_dir():
        import pyarrow.parquet as pq

        tables = [pq.read_table(path, columns=["text"]) for path in sorted(BOOKS.glob("*.parquet"))]
        return [text for table in tables for text in table["text"].to_pylist()]
    with tempfile.TemporaryDirectory() as folder:
        documents = Path("data/documents")
        if not documents.exists():
            documents = Path(folder) / "documents"
            collect_installed(["networkx", "sympy"], documents)
        return [document.text for document in read_documents(documents)]


def compare_cleaning(texts: list[str]) -> dict[str, Any]:
    """`clean_text` that knows no word at first, against the recipe step by step; each text once, MB/s of raw text."""
    ways: dict[str, Callable[[str], str]] = {"ours": clean_text, "plain": clean_text_plainly}
    for way in ways.values():
        way("This loads spaCy's rules, which is not what is measured.")
    rounds: Rounds = {arm: [] for arm in ways}
    seconds: Counter[str] = Counter()
    same, size = True, 0
    for number, part in enumerate(_parts(texts, CLEANING_ROUNDS, MOST_CLEANED)):
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
    found = {}
    for number in range(WORKER_ROUNDS):
        for arm, count in sorted({"ours": 2, "one": 1}.items(), reverse=bool(number % 2)):
            _cleaner.cache_clear()
            found[arm], spent = _cleaned_by(count, list(_batches(texts)))
            rounds[arm].append(size_of(texts) / 1e6 / spent)
    return summary("cleaning by two processes", "MB/s", rounds, found["ours"] == found["one"], faster=1, other="one")


def _cleaned_by(count: int, batches: list[list[str]]) -> tuple[list[bytes], float]:
    """Checksums of the clean batches, and the seconds since every worker was there."""
    digests = []
    started = 0.0
    start: list[list[str]] = [[]] * count
    for batch, cleaned in map_in_order(clean_batch, [*start, *batches], Workers(count=count)):
        if batch:
            digests.append(hashlib.sha256("\0".join(cleaned).encode()).digest())
        else:
            started = time.perf_counter()
    return digests, time.perf_counter() - started


def clean_batch(batch: list[str]) -> list[str]:
    """Clean texts; an empty batch only loads what is needed, and takes so long that each worker gets one."""
    if not batch:
        clean_text("This loads spaCy's rules.")
        time.sleep(1)
    return [clean_text(text) for text in batch]


def compare_training(texts: list[str], out: Path) -> dict[str, Any]:
    """A vocabulary from word counts against Hugging Face's trainer and sentencepiece on the whole text; seconds.

    The result is the same if the pieces are sentencepiece's, in its order. Hugging Face's vocabulary, whose rule for
    ties is another, is written to the folder `out`.
    """
    lines = [line for text in texts for line in text.split("\n")]
    counts = Counter(word for line in lines for word in line.split(" "))
    rows = [f"{word}\t{count}" for word, count in sorted(counts.items(), key=lambda row: (-row[1], row[0]))]
    size = min(MOST_PIECES, len(counts) // 2)
    ways: dict[str, Callable[[], Any]] = {
        "ours": lambda: _train(rows, size),
        "hugging_face": lambda: train_hugging_face(lines, size),
        "sentencepiece": lambda: train_sentencepiece(lines, size, _coverage(rows, size)),
    }
    rounds: Rounds = {arm: [] for arm in ways}
    made: dict[str, Any] = {}
    for number in range(TRAINING_ROUNDS):
        for arm in sorted(ways, reverse=bool(number % 2)):
            made[arm], spent = timed(ways[arm])
            rounds[arm].append(spent)
    write_vocabulary(made["hugging_face"], out)
    same = pieces_of(made["ours"]) == pieces_of(made["sentencepiece"])
    return summary("vocabulary", "s", rounds, same, faster=-1, other="hugging_face")


def compare_encoding(cleaned: list[str], vocabulary: Path) -> dict[str, Any]:
    """Ids of text whose words are known against `encode_batch_fast` with the same vocabulary; MB/s of clean text."""
    from pretrace.vocabulary import load_vocabulary

    ours, theirs = load_vocabulary(vocabulary), load_hugging_face(vocabulary)
    spaced = [text.replace("\n", " \n ") for text in cleaned]
    ways: dict[str, Callable[[], list[list[int]]]] = {
        "ours": lambda: [ours.encode_array(text) for text in cleaned],
        "hugging_face": lambda: theirs.encode_batch_fast(spaced, add_special_tokens=False),
    }
    ids = {arm: ways[arm]() for arm in ways}
    same = all(a.tolist() == b.ids for a, b in zip(ids["ours"], ids["hugging_face"], strict=True))
    del ids
    rounds: Rounds = {arm: [] for arm in ways}
    for number in range(ENCODING_ROUNDS):
        for arm in sorted(ways, reverse=bool(number % 2)):
            _, spent = timed(ways[arm])
            rounds[arm].append(size_of(cleaned) / 1e6 / spent)
    return summary("encoding known words", "MB/s", rounds, same, faster=1, other="hugging_face")


def compare_shards(texts: list[str], vocabulary: Path) -> dict[str, Any]:
    """Raw text to shards (the stages `clean` and `shard`) against transformers' GPT-1 tokenizer over it; MB/s.

    That tokenizer takes text to lower case too early, so its ids are others; ours are compared with the recipe's.
    """
    from transformers import OpenAIGPTTokenizer

    theirs = OpenAIGPTTokenizer(str(vocabulary / "vocab.json"), str(vocabulary / "merges.txt"))
    rounds: Rounds = {"ours": [], "transformers": []}
    same = True
    for number, part in enumerate(_parts(_chapters(texts), SHARD_ROUNDS, SHARD_ROUNDS * SHARD_CHARACTERS)):
        with tempfile.TemporaryDirectory() as folder:
            ways: dict[str, Callable[[], Any]] = {
                "ours": lambda part=part, folder=folder: _make_shards(part, vocabulary, Path(folder)),
                "transformers": lambda part=part: [
                    theirs.convert_tokens_to_ids(theirs.tokenize(text)) for text in part
                ],
            }
            for arm in sorted(ways, reverse=bool(number % 2)):
                _, spent = timed(ways[arm])
                rounds[arm].append(size_of(part) / 1e6 / spent)
            same = same and _is_recipe(part, vocabulary, Path(folder))
    return summary("raw text to shards", "MB/s", rounds, same, faster=1, other="transformers")


def _parts(texts: list[str], count: int, most: int) -> Iterator[list[str]]:
    """The texts in so many parts of about the same length, `most` characters in all."""
    limit = min(most, sum(map(len, texts))) / count
    part: list[str] = []
    remaining = count
    for text in texts:
        part.append(text)
        if sum(map(len, part)) >= limit:
            yield part
            part, remaining = [], remaining - 1
        if not remaining:
            return


def _batches(texts: list[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if sum(map(len, batch)) >= BATCH_CHARACTERS:
            yield batch
            batch = []
    if batch:
        yield batch


def _chapters(texts: list[str]) -> list[str]:
    return [text[start : start + CHAPTER] for text in texts for start in range(0, len(text), CHAPTER)]


def _make_shards(texts: list[str], vocabulary: Path, folder: Path) -> None:
    """What the stages `clean` and `shard` do; all but a document or two for the probes goes into shards."""
    from pretrace.shards import write_shards
    from pretrace.vocabulary import load_vocabulary

    write_documents(folder / "documents", (Document(str(n), "bench", text) for n, text in enumerate(texts)))
    clean_documents(folder / "documents", folder / "clean", Corpus(packages=["unused"], probe_share=1e-6))
    write_shards(folder / "clean", load_vocabulary(vocabulary), folder / "shards")


def _is_recipe(texts: list[str], vocabulary: Path, folder: Path) -> bool:
    """Whether the shards have the ids that the plain recipe and a vocabulary with nothing in its memory give."""
    from pretrace.shards import open_shards
    from pretrace.vocabulary import load_vocabulary

    same = True
    for split in ("train", "validation"):
        shards, loaded = open_shards(folder / "shards", split), load_vocabulary(vocabulary)
        starts = shards.document_starts().tolist()
        found = [shards.read(start, end - start).tolist() for start, end in pairwise(starts)]
        numbers = [int(document.id) for document in read_documents(folder / "clean" / split)]
        same = same and sorted(found) == sorted(
            loaded.encode_words(clean_text_plainly(texts[n]) + "\n") for n in numbers
        )
    return same
