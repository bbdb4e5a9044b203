"""The card of the corpus: what was left out and why, from the report of the stage `clean`."""

from __future__ import annotations

from dataclasses import dataclass

from pretrace.schemas.corpus import CleanReport, CutCount, RejectExample
from pretrace.schemas.cost import CostEntry

REASONS = {
    "empty": "no text was left after cleaning",
    "repeated": "the same text occurred earlier",
    "near_duplicates": "nearly the same as an earlier document; the value is their Jaccard similarity",
    "classifier": "the draw did not exceed 1 - score; the value is the score of the quality classifier",
    "boilerplate": "lines that occur in many documents; the value is the number of lines",
    "contamination": "runs of words that a task's dev or test text has, too; the value is the number of runs",
}
"""Meanings of reasons; the others are named as the setting under `corpus.quality` whose bound was crossed."""
MOST_SOURCES = 20
"""Sources in the table, those with the most rejects first."""


@dataclass(frozen=True)
class Example:
    """A document, or lines of one, that were left out."""

    source: str
    id: str
    value: str
    detail: str


@dataclass(frozen=True)
class Reason:
    """One reason why text was left out."""

    reason: str
    meaning: str
    number: str
    """Amount that was left out for it, in words."""
    examples: list[Example]


@dataclass(frozen=True)
class SourceRejects:
    """Documents of one source that were dropped."""

    source: str
    number: int
    by_reason: dict[str, int]


@dataclass(frozen=True)
class CorpusCard:
    """The content of the page's section on the corpus beyond the numbers of `reports/clean.json`."""

    dropped: list[Reason]
    cut: list[Reason]
    sources: list[SourceRejects]
    more_sources: int
    """Sources that the table leaves out."""
    rate: float | None
    """Megabytes of raw text per second of the stage."""


def corpus_card(clean: CleanReport, cost: dict[str, CostEntry]) -> CorpusCard:
    """Return the card from `reports/clean.json` and the cost of the stages."""
    dropped = [
        _reason(reason, _documents(number), clean.examples.get(reason, []))
        for reason, number in sorted(clean.left_out.items(), key=lambda item: (-item[1], item[0]))
        if number
    ]
    cut = [
        _reason(reason, _lines(count), clean.examples.get(f"{reason} (cut)", [])) for reason, count in clean.cut.items()
    ]
    sources = [
        SourceRejects(source, sum(reasons.values()), reasons) for source, reasons in clean.left_out_by_source.items()
    ]
    sources.sort(key=lambda one: (-one.number, one.source))
    seconds = cost["clean"].seconds if "clean" in cost else 0.0
    return CorpusCard(
        dropped=dropped,
        cut=cut,
        sources=sources[:MOST_SOURCES],
        more_sources=max(0, len(sources) - MOST_SOURCES),
        rate=clean.bytes_in / seconds / 1e6 if seconds else None,
    )


def _reason(reason: str, number: str, examples: list[RejectExample]) -> Reason:
    shown = [Example(one.source, one.id, _value(one.value), one.detail or "") for one in examples]
    return Reason(reason, REASONS.get(reason, ""), number, shown)


def _lines(count: CutCount) -> str:
    return f"{count.lines:,} lines with {count.words:,} words, in {_documents(count.documents)}"


def _documents(number: int) -> str:
    return "1 document" if number == 1 else f"{number:,} documents"


def _value(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
