"""Reports on the corpus: what was collected, what was cleaned, what was left out and why."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from pretrace.schemas.record import Record
from pretrace.schemas.tasks import RawFile


class PackageCount(Record):
    """The share of one installed package in the corpus."""

    files: int
    """Python files."""
    unreadable: int
    """Files that are not valid Python."""
    documents: int
    """Files with documentation, each a document."""
    words: int
    repeated_words: int
    """Words of paragraphs that occurred earlier in the corpus and were left out."""


class CollectReport(Record):
    """The collected corpus: from installed packages (`packages`), or from files or the Hub (all other keys)."""

    packages: dict[str, PackageCount] | None = None
    """By package."""
    documents: int | None = None
    empty_rows: int | None = None
    """Rows or files without text."""
    files: int | None = None
    """Files read."""
    bytes: int | None = None
    """Bytes of those files."""
    passed_over: int | None = None
    """Files of other types."""
    rejected: dict[str, int] | None = None
    """Bad files and rows by reason, with `on_bad_input: skip`."""


class TextCount(Record):
    """Size of a part of the clean corpus."""

    documents: int
    words: int
    """Words that GPT-1's recipe makes of it."""
    bytes: int
    """UTF-8 bytes of the raw text."""


class LengthBin(Record):
    """One bin of the histogram of document lengths."""

    start: int = Field(alias="from")
    """Least number of words."""
    below: int
    """Number of words at which the next bin starts."""
    documents: int


class RejectExample(Record):
    """A document, or lines of one, that were left out."""

    id: str
    """Name of the document."""
    source: str
    """Source of the document: package, folder or file."""
    value: int | float
    """Value that crossed the bound of the rule."""
    detail: str | None = None
    """The nearly identical document, or the rule's own words."""


class CutCount(Record):
    """Lines that were cut from documents that stay."""

    documents: int
    """Documents that lost lines."""
    lines: int
    words: int


class DuplicateGroups(Record):
    """Groups of nearly identical documents."""

    groups: int
    documents: int
    """Documents in all groups."""


class EvaluationTexts(Record):
    """Dev and test texts of tasks that the corpus was compared with."""

    looked_for: int
    """Texts that were long enough."""
    too_short: int
    """Texts with too few words for a match to mean anything."""


class SharedRows(Record):
    """Overlap of the corpus with the dev and test rows of one task."""

    documents: int
    """Documents that had words of a row."""
    rows: int
    """Rows whose words occurred in a document."""


class FoundRows(Record):
    """Dev and test rows of one task that share words with the training text, in which they were left."""

    words: int
    """Words in a row that count as shared."""
    rows: list[str]
    """The rows: file and number."""
    most_documents: int | None = None
    """Runs of words that more documents of the training text have do not count (`most_documents` of the settings)."""
    junk: int = 0
    """Number of those runs."""


class ClassifierFit(Record):
    """The fit of the quality classifier."""

    positives: int
    """Documents of wanted text that it was fitted on."""
    negatives: int
    """Documents of text as it comes."""
    held_out: int
    """Further documents of both, which it did not see."""
    accuracy: float
    """Share of these that are on the right side of score 0.5: the mean over the two sides."""


class ScoredSource(Record):
    """The documents of one source that the quality classifier scored."""

    documents: int
    kept: int
    """Those that it did not drop."""
    mean_score: float
    """Mean over all of them."""


class ClassifierReport(ClassifierFit):
    """The quality classifier, and what it kept."""

    files: list[RawFile]
    """Files of examples, as params.yaml has them."""
    sources: dict[str, ScoredSource]
    """By source; without those that are not filtered."""


class CleanReport(Record):
    """The clean corpus, by split and source, and what was left out."""

    documents_in: int
    """Documents before cleaning."""
    bytes_in: int
    """Their UTF-8 bytes."""
    words_in: int
    """Their words, separated by white space."""
    left_out: dict[str, int]
    """Documents dropped, by reason."""
    distinct_words: int
    """Distinct words of the train split."""
    splits: dict[str, TextCount]
    """By split: train, validation, probes."""
    sources: dict[str, dict[str, TextCount]]
    """By source and split."""
    lengths: list[LengthBin] = Field(default_factory=list)
    """Histogram of the documents' lengths in words."""
    frequent_words: list[Annotated[tuple[str, int], Strict(False)]] = Field(default_factory=list)
    """Most frequent words of the train split, with their counts."""
    left_out_by_source: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Documents dropped, by source and reason."""
    examples: dict[str, list[RejectExample]] = Field(default_factory=dict)
    """Examples of what was dropped, by reason; "(cut)" after a reason: of lines that were cut."""
    contamination: dict[str, SharedRows] = Field(default_factory=dict)
    """By task, with `corpus.quality.contamination`."""
    cut: dict[str, CutCount] = Field(default_factory=dict)
    """Lines that were cut, by reason."""
    near_duplicate_groups: DuplicateGroups | None = None
    evaluation_texts: EvaluationTexts | None = None
    """With `corpus.quality.contamination`; else null."""
    found_rows: dict[str, FoundRows] = Field(default_factory=dict)
    """By task, with `corpus.quality.contamination.action: report`; tasks whose rows are all too short are missing."""
    classifier: ClassifierReport | None = None
    """With `corpus.quality.classifier`."""
