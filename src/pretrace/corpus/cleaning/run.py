"""From collected documents to cleaned, divided ones, to the count of every word, and to an account of what went.

Workers read the documents and write what is left of them, this process adds up in the order in which they came; the
number of workers changes nothing. Only names, lengths, checksums and signatures of the whole corpus are in memory at
once.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pretrace.common.files import atomic_folder, write_text
from pretrace.corpus.cleaning.batch_cache import LEAST_BYTES, keeping
from pretrace.corpus.cleaning.document_steps import Work
from pretrace.corpus.cleaning.input_spans import spans_of
from pretrace.corpus.cleaning.rejects import LeftOut
from pretrace.corpus.cleaning.split import Entry, split_documents
from pretrace.corpus.cleaning.text_spool import IntoPieces, PieceOfDocuments, Pieces, Staying, Worked, work_on
from pretrace.corpus.cleaning.write_splits import divide
from pretrace.corpus.documents import bytes_of_documents
from pretrace.corpus.filters.boilerplate import LineCounter
from pretrace.corpus.filters.contamination import EvaluationNgrams, EvaluationText
from pretrace.corpus.filters.near_duplicates import PERMUTATIONS, find_near_duplicates
from pretrace.corpus.filters.quality import DECIMALS, Verdict

if TYPE_CHECKING:
    from pretrace.settings import Corpus, Quality, Workers

FREQUENT_WORDS = 50
"""Words of the training text that the report lists."""
Stream = Iterator[Worked]


def clean_documents(
    raw: Path,
    out: Path,
    corpus: Corpus,
    workers: Workers | None = None,
    evaluation: Iterable[EvaluationText] = (),
    scratch: Path | None = None,
) -> dict[str, Any]:
    """Clean the documents in `raw`; write `out/{train,validation,probes}/part-*.parquet` and `out/counts.tsv`.

    Documents that are empty after cleaning, or whose cleaned text stood earlier in the corpus, are left out, and so is
    what `corpus.quality` says; `evaluation` is the text for its `contamination`. What went is in `out/rejects.jsonl`,
    if anything did. `counts.tsv` has the words of the train split with their numbers, most frequent first, ties by
    word.

    With `scratch`, a folder, a run over a large corpus that was killed goes on: what workers had done is not done
    again. The folder is deleted at the end.

    Returns:
        Numbers for the report: documents, words and bytes (UTF-8) by split and by source, what was left out with
        examples, lengths, frequent words.

    Raises:
        PretraceError: no documents in `raw`, or too few are left to divide.
    """
    tally: Counter[str] = Counter()
    rules = corpus.quality.contamination
    ngrams = EvaluationNgrams(evaluation, rules.words) if rules else None
    kept = scratch if bytes_of_documents(raw) >= LEAST_BYTES else None
    with atomic_folder(out) as temporary, LeftOut(temporary / "rejects.jsonl") as left_out:
        cleaned = temporary / "cleaned"
        stream = _staying(_worked(raw, cleaned, corpus.quality, workers, ngrams, tally, kept), left_out)
        staying, signatures = distinct(stream, cleaned, left_out)
        twins, groups = _near_duplicates(staying, signatures, corpus.quality, temporary / "shingles")
        for number in sorted(twins):
            left_out.drop(staying.document(number), _twin(staying.entries, *twins[number]))
        splits = _splits(staying.entries, twins, groups, corpus)
        numbers, counts = divide(staying, temporary, splits, workers)
        shutil.rmtree(cleaned)
        ordered = sorted(sorted(counts.items()), key=itemgetter(1), reverse=True)  # equal ones stay in order
        write_text(temporary / "counts.tsv", "".join(f"{word}\t{count}\n" for word, count in ordered))
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    return {
        "documents_in": tally["documents"],
        "bytes_in": tally["bytes"],
        "words_in": tally["words"],
        "left_out": dict(left_out.dropped),
        "distinct_words": len(counts),
        **numbers,
        "frequent_words": list(islice((list(row) for row in ordered if _has_letter(row[0])), FREQUENT_WORDS)),
        **left_out.report(),
        "near_duplicate_groups": {"groups": len(set(groups.values())), "documents": len(groups)},
        "evaluation_texts": {"looked_for": len(ngrams.texts), "too_short": ngrams.too_short} if ngrams else None,
    }


def _worked(
    raw: Path,
    cleaned: Path,
    quality: Quality,
    workers: Workers | None,
    ngrams: EvaluationNgrams | None,
    tally: Counter[str],
    kept: Path | None,
) -> Stream:
    """Each document after the work on it; where lines are counted first, in two passes over the text."""
    first = Work(quality, finish=not quality.boilerplate, evaluation=ngrams)
    folder = cleaned.with_name("lines") if quality.boilerplate else cleaned
    size = bytes_of_documents(raw)
    spans = spans_of(raw, workers.count if workers else 1)
    stream = _counted(work_on(spans, IntoPieces(keeping(first, kept), folder), workers, "clean", size), tally)
    if not quality.boilerplate:
        yield from stream
        return
    staying: dict[int, PieceOfDocuments] = {}
    with LineCounter(cleaned.with_name("line-counts"), quality.boilerplate) as counter:
        for document, result, place in stream:
            if result.verdict:
                yield document, result, place
            else:
                assert result.lines is not None  # the first pass counts them
                counter.add(result.lines)
                batch = staying.setdefault(place.piece, PieceOfDocuments(place.piece, Pieces(folder), [], []))
                batch.names.append((document.id, document.source))
                batch.places.append(place)
        common = counter.common()
    second = Work(quality, clean=False, common=common, evaluation=ngrams)
    size = sum(place.bytes for batch in staying.values() for place in batch.places)
    yield from work_on(staying.values(), IntoPieces(keeping(second, kept), cleaned), workers, "cut", size)
    shutil.rmtree(folder)


def _counted(stream: Stream, tally: Counter[str]) -> Stream:
    for document, result, place in stream:
        tally.update(documents=1, bytes=result.bytes_in, words=result.words_in)
        yield document, result, place


def _staying(stream: Stream, left_out: LeftOut) -> Stream:
    """The documents that no rule drops; the others, and the lines that were cut, go to the accounts."""
    for document, result, place in stream:
        left_out.share(result.shared)
        for verdict, lines in result.cuts:
            left_out.cut_lines(document, verdict, lines)
        if result.verdict:
            left_out.drop(document, result.verdict)
        else:
            yield document, result, place


def distinct(stream: Stream, folder: Path, left_out: LeftOut) -> tuple[Staying, np.ndarray]:
    """The documents that are no exact copies, and the signatures of those."""
    seen: dict[bytes, int] = {}
    staying = Staying(Pieces(folder))
    signatures = bytearray()  # one block, as there can be millions
    for document, result, place in stream:
        if result.digest in seen:
            left_out.drop(document, replace(_twin(staying.entries, seen[result.digest], 1.0), reason="repeated"))
            continue
        seen[result.digest] = len(staying.entries)
        staying.add(Entry(document.id, document.source, result.words), place)
        if result.signature is not None:
            signatures += result.signature.tobytes()
    return staying, np.frombuffer(signatures, np.uint32).reshape(-1, PERMUTATIONS)


def _near_duplicates(
    staying: Staying, signatures: np.ndarray, quality: Quality, scratch: Path
) -> tuple[dict[int, tuple[int, float]], dict[int, int]]:
    if not quality.near_duplicates:
        return {}, {}
    return find_near_duplicates(staying.texts(), signatures, quality.near_duplicates, scratch)


def _twin(entries: list[Entry], number: int, similarity: float) -> Verdict:
    twin = entries[number]
    return Verdict("near_duplicates", round(similarity, DECIMALS), f"{twin.source}: {twin.id}")


def _splits(
    entries: list[Entry], dropped: Container[int], groups: Mapping[int, int], corpus: Corpus
) -> list[str | None]:
    """The split of each document; None for those that are dropped."""
    kept = [number for number in range(len(entries)) if number not in dropped]
    found = split_documents(
        [entries[number] for number in kept],
        corpus.validation_share,
        corpus.probe_share,
        [groups.get(number, number) for number in kept],
    )
    splits = dict(zip(kept, found, strict=True))
    return [splits.get(number) for number in range(len(entries))]


def _has_letter(word: str) -> bool:
    return any(map(str.isalpha, word))
