"""OpenAI's released byte-pair encoding (2018): `encoder_bpe_40000.json` and `vocab_40000.bpe`, with the ids of GPT-1.

A word is its characters, the last with `</w>`; the earliest learned pair among them is joined, everywhere in the word,
until none is left. What is left without an id is unknown, each symbol by itself. Hugging Face's folders hold the same
two files under the names `vocab.json` and `merges.txt`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_file
from pretrace.tokens.word_cache import WordVocabulary

FILES = ("encoder_bpe_40000.json", "vocab_40000.bpe")
HUGGING_FACE_FILES = ("vocab.json", "merges.txt")
END_OF_WORD = "</w>"
NEWLINE = "\n" + END_OF_WORD
UNKNOWN = "<unk>"
NEVER = sys.maxsize
"""The rank of a pair that is not joined."""


class OpenAIVocabulary(WordVocabulary):
    """The released vocabulary, or one of the same form; see `Vocabulary` for what its members mean."""

    kind = "openai-bpe"

    def __init__(self, folder: Path, names: tuple[str, str] = FILES) -> None:
        encoder, merges = folder / names[0], folder / names[1]
        self.ids = _read_encoder(encoder)
        ranks = _read_merges(merges, self.ids)
        self.files: tuple[Path, ...] = (encoder, merges)
        self.released_names: tuple[str, ...] = FILES
        self.fingerprint = hashlib.sha256(f"{sha256_of_file(encoder)} {sha256_of_file(merges)}".encode()).hexdigest()
        self.unknown_id: int = self.ids[UNKNOWN]
        super().__init__(sorted(self.ids, key=self.ids.__getitem__), self.ids[NEWLINE], END_OF_WORD)
        self._joins = Joins(self.pieces, ranks)
        self.description = {"kind": self.kind, "size": self.size, "fingerprint": self.fingerprint}

    def _encode(self, words: list[str]) -> list[list[int]]:
        size, unknown = self.size, self.unknown_id
        return [[symbol if symbol < size else unknown for symbol in self._joins.symbols_of(word)] for word in words]


class Joins:
    """Joins the characters of words as learned. A symbol is a number, and so is a pair of them: quick to look up.

    Args:
        pieces: by id, which is a piece's number.
        ranks: pairs of symbols, those that are joined first with the least number.
    """

    def __init__(self, pieces: list[str], ranks: dict[tuple[str, str], int]) -> None:
        names = dict.fromkeys(chain(pieces, chain.from_iterable(ranks)))  # the parts of a pair may be no pieces
        self._numbers = {name: number for number, name in enumerate(names)}
        self._unknown, self._base = len(names), len(names) + 1  # characters of no symbol share a number
        # The rank of a pair and what it becomes are one number, so that the least has both.
        self._joined = {
            self._numbers[first] * self._base + self._numbers[second]: rank * self._base + self._numbers[first + second]
            for (first, second), rank in ranks.items()
        }

    def symbols_of(self, word: str) -> list[int]:
        """The symbols of one word, which is not empty; numbers that are no id stand for what is unknown."""
        symbols = [self._numbers.get(character, self._unknown) for character in word[:-1]]
        symbols.append(self._numbers.get(word[-1] + END_OF_WORD, self._unknown))
        base, joined_of = self._base, self._joined.get
        joined = self._joined_pairs(symbols)
        while joined and (least := min(joined)) != NEVER:
            place = joined.index(least)
            if joined.count(least) > 1:
                symbols = _join_everywhere(symbols, symbols[place], symbols[place + 1], least % base)
                joined = self._joined_pairs(symbols)
                continue
            symbols[place : place + 2] = [least % base]
            del joined[place]
            if place:  # only the pairs beside it have changed
                joined[place - 1] = joined_of(symbols[place - 1] * base + symbols[place], NEVER)
            if place < len(joined):
                joined[place] = joined_of(symbols[place] * base + symbols[place + 1], NEVER)
        return symbols

    def _joined_pairs(self, symbols: list[int]) -> list[int]:
        base = self._base
        return [self._joined.get(first * base + second, NEVER) for first, second in pairwise(symbols)]


def _join_everywhere(symbols: list[int], first: int, second: int, joined: int) -> list[int]:
    found: list[int] = []
    place = 0
    while place < len(symbols):
        here = place + 1 < len(symbols) and symbols[place] == first and symbols[place + 1] == second
        found.append(joined if here else symbols[place])
        place += 2 if here else 1
    return found


def _read_encoder(path: Path) -> dict[str, int]:
    try:
        ids: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PretraceError(f"{path}: no such file; the vocabulary needs it") from None
    except (ValueError, RecursionError) as error:
        raise PretraceError(f"{path}: not JSON ({error}); takes an object of pieces and their ids") from None
    whole = isinstance(ids, dict) and all(type(number) is int for number in ids.values())
    if not whole or sorted(ids.values()) != list(range(len(ids))):
        raise PretraceError(f"{path}: takes an object of pieces whose ids are 0 to their number less one, each once")
    if any("\ud800" <= character <= "\udfff" for character in "".join(ids)):
        raise PretraceError(f"{path}: a piece has half of a surrogate pair in it, which is no text")
    for piece, meaning in ((UNKNOWN, "what is unknown"), (NEWLINE, "the line end")):
        if piece not in ids:
            raise PretraceError(
                f"{path}: has no piece {piece!r} for {meaning}, so it is not a vocabulary of GPT-1's form"
            )
    return ids


def _read_merges(path: Path, ids: dict[str, int]) -> dict[tuple[str, str], int]:
    """Pairs in the order in which they were learned; the file's first line is a version."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[1:]
    except FileNotFoundError:
        raise PretraceError(f"{path}: no such file; the vocabulary needs it") from None
    except UnicodeDecodeError as error:
        raise PretraceError(f"{path}: not UTF-8 at byte {error.start}") from None
    ranks: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, 2):
        if not line:
            continue
        pair = tuple(line.split(" "))
        if len(pair) != 2 or "".join(pair) not in ids:
            raise PretraceError(f"{path}: line {number}: takes two pieces that the vocabulary has joined, got {line!r}")
        ranks[pair] = number
    return ranks
