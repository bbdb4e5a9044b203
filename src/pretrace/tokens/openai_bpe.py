"""OpenAI's released byte-pair encoding (2018): `encoder_bpe_40000.json` and `vocab_40000.bpe`, with the ids of GPT-1.

A word begins as its characters, the last with `</w>`; the earliest learned pair among them is merged, everywhere in the
word, until none is left. Each symbol that is left without an id is an unknown token. Hugging Face's folders hold the
same two files under the names `vocab.json` and `merges.txt`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json, sha256_of_file
from pretrace.common.open_file import VOCABULARY_BYTES, read_text
from pretrace.schemas.tokens import VocabularyRecord
from pretrace.tokens.word_cache import WordVocabulary

FILES = ("encoder_bpe_40000.json", "vocab_40000.bpe")
HUGGING_FACE_FILES = ("vocab.json", "merges.txt")
END_OF_WORD = "</w>"
NEWLINE = "\n" + END_OF_WORD
UNKNOWN = "<unk>"
MISSING = "no such file; the vocabulary needs it"
NO_MERGE = sys.maxsize
"""The rank of a pair that is not merged."""


class OpenAIVocabulary(WordVocabulary):
    """The released vocabulary, or one of the same form; its members are those of `Vocabulary`."""

    kind = "openai-bpe"

    def __init__(self, folder: Path, names: tuple[str, ...] = FILES) -> None:
        encoder, merges = folder / names[0], folder / names[1]
        self.ids = read_ids(encoder)
        _check_form(self.ids, encoder)
        ranks = {pair: number for number, pair in read_merges(merges, self.ids)}
        self.files: tuple[Path, ...] = (encoder, merges)
        self.released_names: tuple[str, ...] = FILES
        self.fingerprint = fingerprint_of(encoder, merges)
        self.unknown_id: int | None = self.ids[UNKNOWN]
        super().__init__(sorted(self.ids, key=self.ids.__getitem__), self.ids[NEWLINE], END_OF_WORD)
        self._merges = Merges(self.tokens, ranks)
        self.description = VocabularyRecord(kind=self.kind, size=self.size, fingerprint=self.fingerprint)

    def _encode(self, words: list[str]) -> list[list[int]]:
        size, unknown = self.size, self.ids[UNKNOWN]
        return [[symbol if symbol < size else unknown for symbol in self._merges.apply(word)] for word in words]


class Merges:
    """Merges the characters of words as learned. A symbol is a number, and so is a pair of them: quick to look up.

    Args:
        tokens: by id, which is also the symbol's number.
        ranks: pairs of symbols, those that are merged first with the least number.
    """

    def __init__(self, tokens: list[str], ranks: dict[tuple[str, str], int]) -> None:
        names = dict.fromkeys(chain(tokens, chain.from_iterable(ranks)))  # the parts of a pair may be no tokens
        self._numbers = {name: number for number, name in enumerate(names)}
        self._unknown, self._base = len(names), len(names) + 1  # characters of no symbol share a number
        # The rank of a pair and what it becomes are one number, so that the least has both.
        self._merged = {
            self._numbers[first] * self._base + self._numbers[second]: rank * self._base + self._numbers[first + second]
            for (first, second), rank in ranks.items()
        }

    def apply(self, word: str) -> list[int]:
        """Return the symbols of one word, which is not empty; numbers that are no id are unknown symbols."""
        symbols = [self._numbers.get(character, self._unknown) for character in word[:-1]]
        symbols.append(self._numbers.get(word[-1] + END_OF_WORD, self._unknown))
        base, merged_of = self._base, self._merged.get
        merged = self._merged_pairs(symbols)
        while merged and (least := min(merged)) != NO_MERGE:
            at = merged.index(least)
            if merged.count(least) > 1:
                symbols = _merge_everywhere(symbols, symbols[at], symbols[at + 1], least % base)
                merged = self._merged_pairs(symbols)
                continue
            symbols[at : at + 2] = [least % base]
            del merged[at]
            if at:  # only the pairs beside it have changed
                merged[at - 1] = merged_of(symbols[at - 1] * base + symbols[at], NO_MERGE)
            if at < len(merged):
                merged[at] = merged_of(symbols[at] * base + symbols[at + 1], NO_MERGE)
        return symbols

    def _merged_pairs(self, symbols: list[int]) -> list[int]:
        base = self._base
        return [self._merged.get(first * base + second, NO_MERGE) for first, second in pairwise(symbols)]


def _merge_everywhere(symbols: list[int], first: int, second: int, merged: int) -> list[int]:
    result: list[int] = []
    at = 0
    while at < len(symbols):
        here = at + 1 < len(symbols) and symbols[at] == first and symbols[at + 1] == second
        result.append(merged if here else symbols[at])
        at += 2 if here else 1
    return result


def fingerprint_of(encoder: Path, merges: Path) -> str:
    """Return the SHA-256 of a vocabulary's two files."""
    return hashlib.sha256(f"{sha256_of_file(encoder)} {sha256_of_file(merges)}".encode()).hexdigest()


def read_ids(path: Path) -> dict[str, int]:
    """Read a JSON object of tokens and their ids. Raises `PretraceError` if an id is missing or a token no text."""
    ids: Any = read_json(path, VOCABULARY_BYTES, MISSING, "takes an object of tokens and their ids")
    whole = isinstance(ids, dict) and all(type(number) is int for number in ids.values())
    if not whole or sorted(ids.values()) != list(range(len(ids))):
        raise PretraceError(f"{path}: takes an object of tokens whose ids are 0 to their number less one, each once")
    if any("\ud800" <= character <= "\udfff" for character in "".join(ids)):
        raise PretraceError(f"{path}: a token has half of a surrogate pair in it, which is no text")
    return ids


def _check_form(ids: dict[str, int], path: Path) -> None:
    for token, meaning in ((UNKNOWN, "unknown symbols"), (NEWLINE, "the line end")):
        if token not in ids:
            raise PretraceError(
                f"{path}: has no token {token!r} for {meaning}, so it is not a vocabulary of GPT-1's form"
            )


def read_merges(path: Path, ids: dict[str, int]) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield each learned pair with the number of its line; the file's first line is a version.

    Raises:
        PretraceError: a line is no pair, or what it makes is no token.
    """
    lines = read_text(path, VOCABULARY_BYTES, MISSING).split("\n")[1:]
    for number, line in enumerate(lines, 2):
        if not line:
            continue
        first, _, second = line.partition(" ")
        if not first or not second or " " in second or first + second not in ids:
            raise PretraceError(f"{path}: line {number}: takes two symbols whose merge is a token, got {line!r}")
        yield number, (first, second)
