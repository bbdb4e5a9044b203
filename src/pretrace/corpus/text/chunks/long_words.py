"""spaCy's tokens of long words, in time that is linear in the length of the word.

spaCy takes a word apart from its two ends, a sign at a time, and each time searches all that is left: twice as many
signs take four times as long (spaCy issue 4362). But all that it can find at an end is a few characters long, except
a run of full stops. So here the same patterns see only the characters near the ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

NEAR = 16
"""Characters at an end of a word that are searched: more than spaCy's longest affix has, with what is before it."""
USER = r"(?:\S+(?::\S*)?@)?"
"""The part of spaCy's pattern of web addresses that is an address's user, and that tries all pairs of ":" and "@"."""


class Part(NamedTuple):
    """A token's place in a word; has the methods of a match that spaCy calls."""

    first: int
    stop: int

    def start(self) -> int:
        return self.first

    def end(self) -> int:
        return self.stop


class LongWordSplitter:
    """Finds the tokens of a word as spaCy does before it looks for special words: see `Tokenizer._split_affixes`.

    Args:
        tokenizer: spaCy's, whose patterns are used.
    """

    def __init__(self, tokenizer: Any) -> None:
        from spacy.symbols import ORTH

        self._tokenizer, self._orth = tokenizer, ORTH
        scheme, user, host = tokenizer.url_match.__self__.pattern.partition(USER)
        assert user, "spaCy's pattern of web addresses is another"
        self._scheme, self._host = re.compile(scheme).match, re.compile(host).match
        self.rules: dict[str, list[dict[int, str]]] = {}
        """spaCy's special words; empty while their own parts are asked for."""
        self._longest = max(map(len, tokenizer.rules))

    def __call__(self, word: str) -> list[Part]:
        """Return the parts of a word, in order; none for a special word that spaCy does not look for inside words."""
        if not self.rules and not self._has_affix(word):
            return []
        start, end = 0, len(word)
        suffixes: list[Part] = []
        parts: list[Part] = []
        while start < end and not self._is_special(word, start, end):
            prefix = self._prefix(word, start, end)
            if prefix and self._is_special(word, start + prefix, end):
                suffix = 0
            else:
                suffix = self._suffix(word, start + prefix, end)
                if suffix and self._is_special(word, start, end - suffix):
                    prefix = 0
            if not prefix and not suffix:
                break
            parts += [Part(start, start + prefix)] if prefix else []
            suffixes += [Part(end - suffix, end)] if suffix else []
            start, end = start + prefix, end - suffix
        return [*parts, *self._middle(word, start, end), *reversed(suffixes)]

    def _has_affix(self, word: str) -> bool:
        find = self._tokenizer
        return bool(find.find_prefix(word) or find.find_suffix(word) or find.find_infix(word))

    def _is_special(self, word: str, start: int, end: int) -> bool:
        return end - start <= self._longest and word[start:end] in self.rules

    def _prefix(self, word: str, start: int, end: int) -> int:
        near = start
        while near < end and word[near] == ".":
            near += 1
        return int(self._tokenizer.find_prefix(word[start : min(end, near + NEAR)]))

    def _suffix(self, word: str, start: int, end: int) -> int:
        near = end
        while near > start and word[near - 1] == ".":
            near -= 1
        return int(self._tokenizer.find_suffix(word[max(start, near - NEAR) : end]))

    def _middle(self, word: str, start: int, end: int) -> Iterator[Part]:
        """Yield the parts of what has no affix: a special word, a web address, or split at infixes."""
        if self._is_special(word, start, end):
            for token in self.rules[word[start:end]]:
                yield Part(start, start + len(token[self._orth]))
                start += len(token[self._orth])
            return
        middle, at = word[start:end], 0
        if not self._is_address(middle):
            for infix in self._tokenizer.infix_finditer(middle):
                if infix.start():  # spaCy passes over one at the beginning
                    yield from self._filled(start, at, infix.start())
                    yield from self._filled(start, *infix.span())
                    at = infix.end()
        yield from self._filled(start, at, len(middle))

    @staticmethod
    def _filled(offset: int, start: int, end: int) -> Iterator[Part]:
        if start < end:
            yield Part(offset + start, offset + end)

    def _is_address(self, word: str) -> bool:
        """Do as spaCy's `url_match`: the host begins after the scheme or after any "@", whatever the user's name."""
        scheme = self._scheme(word)
        begins = [0, scheme.end() if scheme else 0, *(match.end() for match in re.finditer("(?<=.)@", word))]
        return any(self._host(word, begin) for begin in begins)


def long_word_tokenizer(tokenizer: Any) -> Any:
    """Return a spaCy tokenizer that gives the same tokens as this one, fast for long words and slower for others."""
    from spacy.tokenizer import Tokenizer

    splitter = LongWordSplitter(tokenizer)
    # All parts are given as infixes, so that spaCy itself finds the special words among them.
    linear = Tokenizer(tokenizer.vocab, rules=tokenizer.rules, infix_finditer=splitter)
    splitter.rules = tokenizer.rules
    return linear
