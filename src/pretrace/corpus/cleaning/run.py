"""The way of a document from data/documents to data/clean: `document_steps`, then `clean_documents`, read in order.

What is kept is the raw text, whatever tokenizer will read it; GPT-1's words only decide, for all of them alike.
Workers apply the steps to each document and write its text; this process compares documents with each other and adds
up, in the order of the corpus, so the number of workers changes nothing. Only names, lengths and checksums of the
whole corpus are in memory at once.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pretrace.common.files import atomic_folder
from pretrace.corpus.cleaning.batch_cache import CACHED_FROM_BYTES
from pretrace.corpus.cleaning.document_steps import Measure, PrepareText
from pretrace.corpus.cleaning.passes import Totals, WorkerPass, clean_each
from pretrace.corpus.cleaning.rejects import Rejects
from pretrace.corpus.cleaning.split import KeptDocument, split_documents
from pretrace.corpus.cleaning.text_spool import KeptDocuments, TextSpool
from pretrace.corpus.cleaning.write_splits import write_splits
from pretrace.corpus.documents import bytes_of_documents
from pretrace.corpus.filters.band_buckets import BandFiles
from pretrace.corpus.filters.base import DECIMALS, CleanedDocument, Reason, Step
from pretrace.corpus.filters.boilerplate import BoilerplateFilter
from pretrace.corpus.filters.classifier import Classifier, ClassifierFilter, classifier_report, fit_classifier
from pretrace.corpus.filters.contamination import (
    ContaminationFilter,
    EvaluationNgrams,
    EvaluationText,
    NoteRows,
    evaluation_ngrams,
    rows_without_junk,
)
from pretrace.corpus.filters.exact_duplicates import ExactDuplicateFilter
from pretrace.corpus.filters.minhash import PERMUTATIONS, band_rows
from pretrace.corpus.filters.near_duplicates import find_near_duplicates
from pretrace.corpus.filters.quality import LanguageFilter, LengthFilter, SymbolFilter
from pretrace.corpus.filters.repetition import RepetitionFilter
from pretrace.corpus.text.prepared_text import PreparedText
from pretrace.corpus.text.recipe import ENGLISH, Gpt1Words
from pretrace.corpus.text.word_counts import by_frequency
from pretrace.schemas.corpus import CleanReport, DuplicateGroups, EvaluationTexts, FoundRows

if TYPE_CHECKING:
    from pretrace.settings import ContaminationRules, Corpus, Quality, Workers

FREQUENT_WORDS = 50
"""Words of the training text that the report lists."""
Rules = TypeVar("Rules")
Shared = TypeVar("Shared")


def document_steps(
    quality: Quality, evaluation: Sequence[EvaluationNgrams], recipe: Gpt1Words, classifier: Classifier | None = None
) -> list[Step]:
    """Return all that can happen to a document by itself, in order; each step drops, cuts or measures it.

    A filter is a step only if its rules are set. What happens to documents among each other follows in
    `clean_documents`.
    """
    return [
        *_if_set(quality.length, LengthFilter),
        *_if_set(quality.symbols, SymbolFilter),
        *_if_set(quality.language, LanguageFilter),
        *_if_set(quality.repetition, RepetitionFilter),
        *([ClassifierFilter(quality.classifier, classifier)] if quality.classifier and classifier else []),
        PrepareText(recipe),
        *([BoilerplateFilter(quality.boilerplate, None, recipe)] if quality.boilerplate else []),
        *_if_set(quality.contamination, lambda rules: _contamination(rules, evaluation, recipe)),
        Measure(quality.near_duplicates),
    ]


def clean_documents(
    raw: Path,
    out: Path,
    corpus: Corpus,
    workers: Workers | None = None,
    evaluation: Iterable[EvaluationText] = (),
    scratch: Path | None = None,
    prepared: Path | None = None,
    language: str = ENGLISH,
    examples: Path | None = None,
) -> CleanReport:
    """Filter and split the documents in `raw`; write `out/{train,validation,probes}/part-*.parquet`.

    Empty documents and copies are dropped, and so is what `corpus.quality` says; `evaluation` is the text for its
    `contamination`. `out/rejects.jsonl` lists what was dropped or cut, if anything was.

    With `scratch`, a folder, an interrupted run over a large corpus resumes from the batches that were cleaned. The
    folder is deleted at the end. With `prepared`, a folder, GPT-1's words are kept there for later stages.
    `language` is that of the tokenizer which makes them. `examples` is the folder that `write_example_texts` wrote for
    `corpus.quality.classifier`.

    Returns:
        The report: documents, GPT-1's words and bytes (UTF-8) by split and by source, rejects with examples,
        lengths, frequent words.

    Raises:
        PretraceError: no documents in `raw`, or too few are left to split; the classifier has no examples.
    """
    quality, totals, recipe = corpus.quality, Totals(), Gpt1Words(language)
    ngrams = evaluation_ngrams(evaluation, quality.contamination) if quality.contamination else []
    classifier, fit = fit_classifier(quality.classifier, raw, examples) if quality.classifier else (None, None)
    inputs = [quality.model_dump(mode="json"), [[one.n, *map(asdict, one.texts)] for one in ngrams], recipe.key]
    inputs += [classifier.fingerprint] if classifier else []
    cache = scratch if bytes_of_documents(raw) >= CACHED_FROM_BYTES else None
    with atomic_folder(out) as temporary, Rejects(temporary / "rejects.jsonl") as rejects:
        spool = temporary / "cleaned"
        steps = document_steps(quality, ngrams, recipe, classifier)
        cleaned = clean_each(raw, steps, spool, WorkerPass(workers, cache, inputs), totals)
        with _bands(quality, temporary / "bands") as bands:
            kept = deduplicate(rejects.keep(cleaned), TextSpool(spool), rejects, bands)
            dropped, groups = _near_duplicates(kept, bands, quality)
        for number, reason in dropped.items():
            rejects.drop(kept.documents[number], reason, kept.text(number))
        splits = _splits(kept.documents, dropped, groups, corpus)
        words = PreparedText(recipe, prepared) if prepared else None
        numbers, counts = write_splits(kept, temporary, splits, workers, words)
        shutil.rmtree(spool)
        if words:
            words.forget_old()
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    of_options: dict[str, Any] = {"classifier": classifier_report(fit, examples, totals.scores)} if fit else {}
    if quality.contamination and quality.contamination.action == "report":
        of_options["found_rows"] = _found_rows(kept, splits, ngrams, quality.contamination.most_documents)
    return CleanReport(
        documents_in=totals.read["documents"],
        bytes_in=totals.read["bytes"],
        words_in=totals.read["words"],
        left_out=dict(rejects.dropped),
        distinct_words=len(counts),
        **numbers,
        frequent_words=list(islice((row for row in by_frequency(counts) if _has_letter(row[0])), FREQUENT_WORDS)),
        **rejects.report(),
        near_duplicate_groups=DuplicateGroups(groups=len(set(groups.values())), documents=len(groups)),
        evaluation_texts=_sizes(ngrams) if quality.contamination else None,
        **of_options,
    )


def deduplicate(
    documents: Iterator[CleanedDocument], spool: TextSpool, rejects: Rejects, bands: BandFiles | None = None
) -> KeptDocuments:
    """Return the documents that are no exact copies of earlier ones; `bands` gets their MinHash bands."""
    is_duplicate, kept = ExactDuplicateFilter(), KeptDocuments(spool)
    for document in documents:
        document.source = sys.intern(document.source)  # millions of documents have few sources
        if reason := is_duplicate(document):
            rejects.drop(document, reason, document.beginning or spool.beginning(document))
            continue
        kept.add(document)
        if bands:
            bands.add(document.bands)
    return kept


def _contamination(rules: ContaminationRules, evaluation: Sequence[EvaluationNgrams], recipe: Gpt1Words) -> Step:
    return (
        NoteRows(rules, evaluation) if rules.action == "report" else ContaminationFilter(rules, evaluation[0], recipe)
    )


def _found_rows(
    kept: KeptDocuments,
    splits: Sequence[str | None],
    evaluation: Sequence[EvaluationNgrams],
    most_documents: int | None,
) -> dict[str, FoundRows]:
    """Return by task the rows with which documents of the training text share words, or words that few of them have."""
    rows = {row for of_document in _of_train(kept.evaluation_rows, splits) for row in of_document}
    words = {text.task: ngrams.n for ngrams in evaluation for text in ngrams.texts}
    limit: dict[str, dict[str, Any]] = {task: {} for task in words}
    if most_documents is not None:
        rows, junk = rows_without_junk(evaluation, _of_train(kept.evaluation_ngrams, splits), most_documents)
        limit = {task: {"most_documents": most_documents, "junk": junk[task]} for task in words}
    return {
        task: FoundRows(words=n, rows=sorted(row for of_task, row in rows if of_task == task), **limit[task])
        for task, n in sorted(words.items())
    }


def _of_train(by_number: Mapping[int, list[Shared]], splits: Sequence[str | None]) -> Iterator[list[Shared]]:
    return (found for number, found in by_number.items() if splits[number] == "train")


def _bands(quality: Quality, folder: Path) -> AbstractContextManager[BandFiles | None]:
    """Return where the bands of MinHash signatures lie, if near duplicates are looked for."""
    if not quality.near_duplicates:
        return nullcontext()
    return BandFiles(folder, PERMUTATIONS // band_rows(quality.near_duplicates.threshold))


def _near_duplicates(
    kept: KeptDocuments, bands: BandFiles | None, quality: Quality
) -> tuple[dict[int, Reason], dict[int, int]]:
    """Return the numbers of the near duplicates to drop, in order, and the groups to keep in one split."""
    if not quality.near_duplicates or not bands:
        return {}, {}
    repeats, groups = find_near_duplicates(kept.prepared_texts(), bands, quality.near_duplicates)
    dropped = {}
    for number, (first, similarity) in sorted(repeats.items()):
        original = kept.documents[first]
        detail = f"{original.source}: {original.id}"
        dropped[number] = Reason("near_duplicates", round(similarity, DECIMALS), detail)
    return dropped, groups


def _splits(
    documents: list[KeptDocument], dropped: Container[int], groups: Mapping[int, int], corpus: Corpus
) -> list[str | None]:
    """Return the split of each document; None for those that are dropped."""
    kept = [number for number in range(len(documents)) if number not in dropped]
    of_kept = split_documents(
        [documents[number] for number in kept],
        corpus.validation_share,
        corpus.probe_share,
        [groups.get(number, number) for number in kept],
    )
    splits = dict(zip(kept, of_kept, strict=True))
    return [splits.get(number) for number in range(len(documents))]


def _if_set(rules: Rules | None, step: Callable[[Rules], Step]) -> list[Step]:
    return [step(rules)] if rules else []


def _sizes(ngrams: Sequence[EvaluationNgrams]) -> EvaluationTexts:
    looked_for, too_short = sum(len(one.texts) for one in ngrams), sum(one.too_short for one in ngrams)
    return EvaluationTexts(looked_for=looked_for, too_short=too_short)


def _has_letter(word: str) -> bool:
    return any(map(str.isalpha, word))
