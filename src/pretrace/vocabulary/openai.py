"""OpenAI's released byte-pair encoding (2018): `encoder_bpe_40000.json` and `vocab_40000.bpe`, with the ids of GPT-1.

A word is its characters, the last with `</w>`; the earliest learned pair among them is joined, everywhere in the word,
until none is left. What is left without an id is unknown, each symbol by itself. Hugging Face's folders hold the same
two files under the names `vocab.json` and `merges.txt`.
"""

from __future__ import annotations

import hashlib
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

from pretrace.errors import PretraceError
from pretrace.files import sha256_of_file
from pretrace.vocabulary.words import WordVocabulary

FILES = ("encoder_bpe_40000.json", "vocab_40000.bpe")
HUGGING_FACE_FILES = ("vocab.json", "merges.txt")
END_OF_WORD = "</w>"
NEWLINE = "\n" + END_OF_WORD
UNKNOWN = "<unk>"


class OpenAIVocabulary(WordVocabulary):
    """The released vocabulary, or one of the same form; see `Vocabulary` for what its members mean."""

    kind = "openai-bpe"

    def __init__(self, folder: Path, names: tuple[str, str] = FILES) -> None:
        encoder, merges = folder / names[0], folder / names[1]
        self.ids = _read_encoder(encoder)
        self.ranks = _read_merges(merges, self.ids)
        self.files, self.released_names = (encoder, merges), FILES
        self.fingerprint = hashlib.sha256(f"{sha256_of_file(encoder)} {sha256_of_file(merges)}".encode()).hexdigest()
        self.unknown_id: int = self.ids[UNKNOWN]
        super().__init__(sorted(self.ids, key=self.ids.__getitem__), self.ids[NEWLINE], END_OF_WORD)
        self.description = {"kind": self.kind, "size": self.size, "fingerprint": self.fingerprint}

    def _encode(self, words: list[str]) -> list[list[int]]:
        return [[self.ids.get(piece, self.unknown_id) for piece in self.pieces_of(word)] for word in words]

    def pieces_of(self, word: str) -> list[str]:
        """The pieces of one word, known or not."""
        pieces = [*word[:-1], word[-1] + END_OF_WORD]
        while len(pieces) > 1:
            first, second = min(pairwise(pieces), key=lambda pair: self.ranks.get(pair, math.inf))
            if (first, second) not in self.ranks:
                break
            joined: list[str] = []
            place = 0
            while place < len(pieces):
                here = place + 1 < len(pieces) and pieces[place] == first and pieces[place + 1] == second
                joined.append(first + second if here else pieces[place])
                place += 2 if here else 1
            pieces = joined
        return pieces


def _read_encoder(path: Path) -> dict[str, int]:
    try:
        ids: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PretraceError(f"{path}: no such file; the vocabulary needs it") from None
    except ValueError as error:
        raise PretraceError(f"{path}: not JSON ({error}); takes an object of pieces and their ids") from None
    whole = isinstance(ids, dict) and all(type(number) is int for number in ids.values())
    if not whole or sorted(ids.values()) != list(range(len(ids))):
        raise PretraceError(f"{path}: takes an object of pieces whose ids are 0 to their number less one, each once")
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
