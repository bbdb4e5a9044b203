"""What a process does with one document: the rules, the recipe, the cuts, and what the corpus needs to know of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pretrace.corpus.documents import Document
from pretrace.corpus.filters.boilerplate import cut_boilerplate, numbers_of_lines
from pretrace.corpus.filters.contamination import EvaluationNgrams, cut_shared
from pretrace.corpus.filters.near_duplicates import signature
from pretrace.corpus.filters.quality import Verdict, judge
from pretrace.corpus.text.clean import clean_text
from pretrace.corpus.text.count_words import count_raw_words, count_words

if TYPE_CHECKING:
    from pretrace.settings import Quality


@dataclass(slots=True)
class Result:
    """A document after the work."""

    bytes_in: int
    """UTF-8 bytes of the text as it came."""
    words_in: int
    text: str = ""
    verdict: Verdict | None = None
    """Why it does not stay."""
    cuts: list[tuple[Verdict, list[str]]] = field(default_factory=list)
    """What it lost lines for, and the lines."""
    shared: list[tuple[str, str]] = field(default_factory=list)
    """Task and row of the evaluation text that it had words of."""
    words: int = 0
    digest: bytes = b""
    """SHA-256 of the text."""
    signature: np.ndarray | None = None
    lines: np.ndarray | None = None
    """Numbers of the lines to be counted in the whole corpus (`boilerplate.numbers_of_lines`)."""


@dataclass(frozen=True)
class Work:
    """The steps for a document; those that need the whole corpus first (`common`) are a second piece of work."""

    quality: Quality
    clean: bool = True
    """Apply the rules and the recipe; otherwise the text is clean already."""
    finish: bool = True
    """Cut, and measure what is left."""
    common: Mapping[int, int] = field(default_factory=dict)
    """Lines to cut (`LineCounter.common`)."""
    evaluation: EvaluationNgrams | None = None

    def __call__(self, documents: list[Document]) -> list[Result]:
        return [self._on(document) for document in documents]

    def _on(self, document: Document) -> Result:
        result = Result(len(document.text.encode()), count_raw_words(document.text), document.text)
        steps = [self._clean] if self.clean else []
        steps += [self._boilerplate, self._contamination, self._measure] if self.finish else [self._count_lines]
        for step in steps:
            step(result)
            if result.verdict:
                break
        return result

    def _clean(self, result: Result) -> None:
        result.verdict = judge(result.text, self.quality)
        if not result.verdict:
            result.text = clean_text(result.text)
            if not result.text:
                result.verdict = Verdict("empty", 0)

    def _count_lines(self, result: Result) -> None:
        if self.quality.boilerplate:
            result.lines = numbers_of_lines(result.text, self.quality.boilerplate.least_words)

    def _boilerplate(self, result: Result) -> None:
        if self.quality.boilerplate and self.common:
            text, lines = cut_boilerplate(result.text, self.common, self.quality.boilerplate.least_words)
            self._cut(result, Verdict("boilerplate", len(lines)), text, lines)

    def _contamination(self, result: Result) -> None:
        rules = self.quality.contamination
        words = result.text.split() if rules and self.evaluation else []
        found = self.evaluation.find(words) if words and self.evaluation else None
        if rules and found:
            task, origin = found.rows[0]
            run = " ".join(words[found.starts[0] : found.starts[0] + rules.words])
            verdict = Verdict("contamination", len(found.starts), f"{task}: {origin}: {run}")
            result.shared = sorted(set(found.rows))
            if rules.action == "drop":
                result.verdict = verdict
            else:
                self._cut(result, verdict, *cut_shared(result.text, found.starts, rules.words))

    def _cut(self, result: Result, verdict: Verdict, text: str, lines: list[str]) -> None:
        if lines and not text:
            result.verdict = verdict  # nothing is left
        elif lines:
            result.text = text
            result.cuts.append((verdict, lines))

    def _measure(self, result: Result) -> None:
        result.words = count_words(result.text)
        result.digest = hashlib.sha256(result.text.encode()).digest()
        if self.quality.near_duplicates:
            result.signature = signature(result.text, self.quality.near_duplicates.shingle_words)
