"""Filter of lines that stand in many documents: menus, notices, licenses.

Lines are counted on disk, in buckets that are read one by one: the lines of a whole corpus are never in memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from pretrace.corpus.filters.base import CleanedDocument, Reason
from pretrace.corpus.filters.ngrams import hash_text
from pretrace.corpus.text.recipe import Recipe

if TYPE_CHECKING:
    from pretrace.settings import BoilerplateRules

BUCKETS = 64
BUFFERED_LINES = 1_000_000
"""Hashes of lines in memory before they are written to the buckets."""


class BoilerplateFilter:
    """Cuts the lines of a document that are common in the corpus; `common` are their hashes, with counts.

    Lines are compared as GPT-1's words; `recipe` makes those of what is left.
    """

    def __init__(self, rules: BoilerplateRules, common: Mapping[int, int] | None, recipe: Recipe) -> None:
        self.rules, self.common, self.recipe = rules, common or {}, recipe

    def __call__(self, document: CleanedDocument) -> Reason | None:
        if not self.common:
            return None
        is_cut = common_lines(document.prepared, self.common, self.rules.least_words)
        return document.cut(Reason("boilerplate", sum(is_cut)), is_cut, self.recipe)


class HashLines:
    """The step that prepares a document for `LineCounter`."""

    def __init__(self, rules: BoilerplateRules) -> None:
        self.rules = rules

    def __call__(self, document: CleanedDocument) -> Reason | None:
        document.line_hashes = hash_lines(document.prepared, self.rules.least_words)
        return None


class LineCounter:
    """Counts in how many documents each prepared line with at least `rules.least_words` words stands.

    A context: the files under `folder` are deleted when it is left.
    """

    def __init__(self, folder: Path, rules: BoilerplateRules) -> None:
        self._folder, self._rules = folder, rules
        self._buffer = array("Q")
        folder.mkdir(parents=True)

    def __enter__(self) -> LineCounter:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for path in self._folder.iterdir():
            path.unlink()
        self._folder.rmdir()

    def add(self, line_hashes: np.ndarray) -> None:
        """Count a document's lines, as `hash_lines` gives them."""
        self._buffer.frombytes(line_hashes.tobytes())
        if len(self._buffer) >= BUFFERED_LINES:
            self._flush()

    def common(self) -> dict[int, int]:
        """Return the hashes of lines that stand in enough documents, with the number of documents."""
        self._flush()
        common: dict[int, int] = {}
        for bucket in sorted(self._folder.iterdir()):
            lines, documents = np.unique(np.fromfile(bucket, np.uint64), return_counts=True)
            often = documents >= self._rules.documents
            common |= dict(zip(lines[often].tolist(), documents[often].tolist(), strict=True))
        return common

    def _flush(self) -> None:
        hashes = np.array(self._buffer, np.uint64)
        self._buffer = array("Q")
        bucket_of = hashes % np.uint64(BUCKETS)
        for bucket in np.unique(bucket_of).tolist():
            with (self._folder / f"{bucket:02d}").open("ab") as stream:
                stream.write(hashes[bucket_of == bucket].tobytes())


def hash_lines(text: str, least_words: int) -> np.ndarray:
    """Return the hashes (`hash_text`) of a prepared text's lines that are long enough, each once: uint64."""
    return np.array(sorted({hash_text(line) for line in long_lines(text, least_words)}), np.uint64)


def long_lines(text: str, least_words: int) -> Iterable[str]:
    """Return the lines that are long enough to be boilerplate."""
    return (line for line in text.split("\n") if line.count(" ") + 1 >= least_words)


def common_lines(prepared: str, common: Mapping[int, int], least_words: int) -> list[bool]:
    """Return for each line of a prepared text whether it is common in the corpus."""
    cut = {line for line in long_lines(prepared, least_words) if hash_text(line) in common}
    return [line in cut for line in prepared.split("\n")]
