"""Lines that stand in many documents: menus, notices, licences.

How many documents a line stands in is counted on disk, in parts that are looked at one by one: the lines of a whole
corpus are never in memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from pretrace.corpus.filters.ngrams import hash_text

if TYPE_CHECKING:
    from pretrace.settings import BoilerplateRules

PARTS = 64
HELD_LINES = 1_000_000
"""Numbers of lines that are held until they are written."""


class LineCounter:
    """Counts in how many documents a line stands; lines are cleaned ones, with at least `rules.least_words` words.

    A context: the files under `folder` go when it is left.
    """

    def __init__(self, folder: Path, rules: BoilerplateRules) -> None:
        self._folder, self._rules = folder, rules
        self._held = array("Q")
        folder.mkdir(parents=True)

    def __enter__(self) -> LineCounter:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for path in self._folder.iterdir():
            path.unlink()
        self._folder.rmdir()

    def add(self, lines: np.ndarray) -> None:
        """Count a document's lines, as `numbers_of_lines` gives them."""
        self._held.frombytes(lines.tobytes())
        if len(self._held) >= HELD_LINES:
            self._write()

    def common(self) -> dict[int, int]:
        """By number (`hash_text`), the lines that stand in enough documents, and in how many."""
        self._write()
        found: dict[int, int] = {}
        for part in sorted(self._folder.iterdir()):
            lines, documents = np.unique(np.fromfile(part, np.uint64), return_counts=True)
            often = documents >= self._rules.documents
            found |= dict(zip(lines[often].tolist(), documents[often].tolist(), strict=True))
        return found

    def _write(self) -> None:
        numbers = np.array(self._held, np.uint64)
        self._held = array("Q")
        part_of = numbers % np.uint64(PARTS)
        for part in np.unique(part_of).tolist():
            with (self._folder / f"{part:02d}").open("ab") as stream:
                stream.write(numbers[part_of == part].tobytes())


def numbers_of_lines(text: str, least_words: int) -> np.ndarray:
    """The numbers (`hash_text`) of a cleaned text's lines that are long enough, each once: uint64."""
    return np.array(sorted({hash_text(line) for line in countable(text, least_words)}), np.uint64)


def countable(text: str, least_words: int) -> Iterable[str]:
    """The lines that are long enough to be boilerplate."""
    return (line for line in text.split("\n") if line.count(" ") + 1 >= least_words)


def cut_boilerplate(text: str, common: Mapping[int, int], least_words: int) -> tuple[str, list[str]]:
    """The cleaned text without its common lines, and those lines."""
    cut = {line for line in countable(text, least_words) if hash_text(line) in common}
    if not cut:
        return text, []
    lines = text.split("\n")
    return "\n".join([line for line in lines if line not in cut]), [line for line in lines if line in cut]
