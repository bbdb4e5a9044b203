"""From published words to plain text and back: rules of which words stand together.

A published line is words with spaces between them, `He did n't , " she said .`; a language model reads plain text,
`He didn't, "she said.` Words of a line are put together by rules. What is then between two spaces is a *chunk*, which
`Rules.words_of` takes apart again without a look at its neighbors. Words stay apart where that would not give them
back, so all words are restored but those that are taken apart even when they stand alone, and these are counted. White
space is not kept: a published line is the same with two spaces as with one, and with spaces at its ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

PERIOD = "."
INITIALS = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")
"""Of which a period is a part: U.S, a.m, Ph.D."""
INNER = re.compile(r"(?<=[^\W_])[-,.](?=[^\W_])|(?<=>)-(?=[^\W_]|<)|(?<=[^\W_])-(?=<)")
"""Characters between two parts of one word, or of `<unk>`."""


@dataclass(frozen=True)
class Rules:
    """Which words stand together in the plain text."""

    left: frozenset[str] = frozenset()
    """Words that stand at the end of the word before them, such as a comma."""
    right: frozenset[str] = frozenset()
    """Words that stand at the beginning of the word behind them, such as a dollar sign."""
    quotes: frozenset[str] = frozenset()
    """Words that are the one and the other in turn, in a line."""
    endings: str = "(?!)"
    """Expression of words that are the end of the word before them, such as `'s`."""
    joints: dict[str, str] = field(default_factory=dict)
    """Words that stand for a character between two parts of one word: `@-@` for a hyphen."""
    abbreviations: frozenset[str] = frozenset()
    """Words whose period is a part of them, in lower case, if `left` has a period."""
    repeated: str = ""
    """Character of which several words in a row stand together: `=` of headings."""

    def plain_line(self, line: str) -> str:
        """Return the plain text of a published line."""
        return " ".join(chunk for chunk, _ in self._chunks(line))

    def published_line(self, plain: str) -> str:
        """Return the words of a plain line with spaces between them: what `plain_line` was given."""
        return " ".join(word for chunk in plain.split() for word in self.words_of(chunk))

    def lost_words(self, line: str) -> list[str]:
        """Return the words of a published line that the plain one does not give back."""
        return [chunk for chunk, restored in self._chunks(line) if not restored]

    def words_of(self, chunk: str) -> list[str]:
        """Return the words of a chunk."""
        if chunk in self._whole:
            return [chunk]
        if self.repeated and not chunk.strip(self.repeated):
            return list(chunk)
        first: list[str] = []
        while word := next((word for word in self._first if chunk.startswith(word) and chunk != word), ""):
            first.append(word)
            chunk = chunk[len(word) :]
        last: list[str] = []
        while chunk not in self._whole and (word := self._last_of(chunk)):
            last.append(word)
            chunk = chunk[: -len(word)]
        return [*first, *self._inner(chunk), *reversed(last)]

    @cached_property
    def _first(self) -> list[str]:
        return sorted(self.right | self.quotes)

    @cached_property
    def _last(self) -> list[str]:
        return sorted(self.left | self.quotes, key=lambda word: (-len(word), word))

    @cached_property
    def _whole(self) -> frozenset[str]:
        """Words that are never taken apart."""
        return self.left | self.right | self.quotes

    @cached_property
    def _ending(self) -> re.Pattern[str]:
        return re.compile(rf"(?<=[\w>])(?:{self.endings})$")

    def _last_of(self, chunk: str) -> str:
        """Return the word that a chunk ends with and that is no part of the word before it; "" if there is none."""
        for word in self._last:
            rest = chunk.removesuffix(word)
            if rest not in ("", chunk) and not (word == PERIOD and self._is_abbreviated(rest)):
                return word
        found = self._ending.search(chunk)
        return found.group() if found else ""

    def _is_abbreviated(self, word: str) -> bool:
        """Return True if a period behind a word is a part of it: U.S., Mr., A."""
        if word.endswith(PERIOD):
            return False
        return (
            (len(word) == 1 and word.isalpha()) or bool(INITIALS.fullmatch(word)) or word.lower() in self.abbreviations
        )

    def _inner(self, chunk: str) -> list[str]:
        """Return the words of a chunk without those at its ends: parts with joints between them."""
        words, at = [], 0
        for found in INNER.finditer(chunk) if self.joints else ():
            joint, place = f"@{found.group()}@", found.start()
            digits = chunk[place - 1].isdecimal() and chunk[place + 1].isdecimal()
            if joint in self.joints and (digits or found.group() == "-"):
                words += [chunk[at:place], joint]
                at = place + 1
        return [*words, chunk[at:]]

    def _chunks(self, line: str) -> Iterator[tuple[str, bool]]:
        """Yield the chunks of a published line: of each run the longest beginnings that give their words back.

        Yields:
            A chunk, and True if it gives its words back; False is of one word.
        """
        for run in self._runs(line.split()):
            while run:
                for end in range(len(run), 0, -1):
                    chunk = run[0] if end == 1 else "".join(self.joints.get(word, word) for word in run[:end])
                    restored = self.words_of(chunk) == run[:end]
                    if restored or end == 1:
                        break
                yield chunk, restored
                run = run[end:]

    def _runs(self, words: Sequence[str]) -> Iterator[list[str]]:
        """Yield words that the rules put together."""
        run: list[str] = []
        glued, open_quotes = False, set[str]()
        for word in words:
            closes = word in open_quotes
            if run and not (glued or closes or self._joins(run[-1], word)):
                yield run
                run = []
            run.append(word)
            if word in self.quotes:
                open_quotes ^= {word}
            glued = (word in self.quotes and not closes) or word in self.right or word in self.joints
        if run:
            yield run

    def _joins(self, before: str, word: str) -> bool:
        """Return True if a word stands at the end of the one before it."""
        if word in self.left or word in self.joints:
            return True
        if word == before and word == self.repeated:
            return True
        found = self._ending.search(before + word)
        return found is not None and found.start() == len(before)
