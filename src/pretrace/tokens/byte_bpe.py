"""GPT-2's byte-level byte-pair encoding (Radford et al. 2019, section 2.2): any text as it is, without unknown tokens.

Text is cut into pieces: a run of letters, of digits or of other signs, each with a space before it if there is one; the
ends of English contractions; white space. The UTF-8 bytes of a piece are merged as learned. In the files, each byte is
written as a printable character. A token of its own, <|endoftext|>, stands between documents, and no text becomes it.

    encoder.json    tokens and their ids; vocab.json in Hugging Face's folders
    vocab.bpe       the merges, one a line, as they were learned; merges.txt there

The library tokenizers cuts and merges. It is given each distinct chunk of text, from one gap between words to the next,
once: pieces never cross the beginning of white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.corpus.text.recipe import Recipe
from pretrace.schemas.tokens import VocabularyRecord
from pretrace.tokens.openai_bpe import NEWLINE, UNKNOWN, fingerprint_of, read_ids, read_merges
from pretrace.tokens.vocabulary import SpecialIds
from pretrace.tokens.word_cache import BLOCK_CHARACTERS, CachedIds

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILES = ("encoder.json", "vocab.bpe")
END_OF_TEXT = "<|endoftext|>"
PRINTABLE = (*range(33, 127), *range(161, 173), *range(174, 256))
"""Bytes that stand for themselves; the others are written as the characters from 256 on, in order."""
GAP = r"[^\S\x1c-\x1f]"
"""White space: as Python has it, but without four separators that GPT-2's pattern takes for signs."""
NO_GAP = r"[\S\x1c-\x1f]"
CHUNK = re.compile(f"{GAP}*{NO_GAP}+|{GAP}+")
CHUNK_END = re.compile(f"(?<={NO_GAP})(?={GAP})")
HALVES = re.compile("[\ud800-\udfff]")


class ByteVocabulary(SpecialIds):
    """The released vocabulary, or one that `train_byte_bpe` made; its members are those of `Vocabulary`."""

    kind = "byte-bpe"
    between = " "
    unknown_id: int | None = None
    recipe: Recipe | None = None

    def __init__(self, folder: Path, names: tuple[str, ...] = FILES) -> None:
        encoder, merges = folder / names[0], folder / names[1]
        ids = read_ids(encoder)
        self._bytes = bytes_of_tokens(ids, encoder)
        pairs = _read_pairs(merges, ids)
        self.files: tuple[Path, ...] = (encoder, merges)
        self.released_names: tuple[str, ...] = FILES
        self.description = describe(len(ids), encoder, merges)
        self.fingerprint = self.description.fingerprint
        self.size, self.document_end_id = len(ids), ids[END_OF_TEXT]
        self._tokenizer = byte_level(ids, pairs)
        self._chunks = CachedIds(self.size, {}, self._encode)

    def prepare(self, text: str) -> str:
        return whole_characters(text)

    def encode(self, text: str) -> list[int]:
        return self.encode_array(self.prepare(text)).tolist()

    def encode_arrays(self, prepared: list[str]) -> list[np.ndarray]:
        return [self.encode_array(text) for text in prepared]

    def encode_array(self, prepared: str) -> np.ndarray:
        blocks = []
        for start, end in spans(prepared, BLOCK_CHARACTERS):
            self._chunks.make_room()
            blocks.append(self._chunks.of_each(CHUNK.findall(prepared, start, end)))
        return np.concatenate(blocks) if len(blocks) > 1 else blocks[0] if blocks else np.empty(0, self._chunks.type)

    def decode(self, ids: list[int]) -> str:
        """Return text. Bytes that are no whole character, as where a sequence was cut, read as U+FFFD."""
        return text_of(b"".join([self._bytes[index] for index in ids]))

    def _encode(self, chunks: list[str]) -> list[list[int]]:
        return ids_of_each(self._tokenizer, chunks)


def spans(text: str, characters: int) -> Iterator[tuple[int, int]]:
    """Yield spans of a text of at least so many characters, but the last: no piece of text lies in two."""
    start = 0
    while start < len(text):
        found = CHUNK_END.search(text, start + characters)
        end = found.start() if found else len(text)
        yield start, end
        start = end


def byte_level(ids: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    """Return the tokenizer of GPT-2's form with these tokens; no special token is among those of its text."""
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel

    tokenizer = Tokenizer(BPE(vocab=ids, merges=merges))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    return tokenizer


def ids_of_each(tokenizer: Tokenizer, parts: list[str]) -> list[list[int]]:
    """Return the ids of each part of text, which the tokenizer sees apart from the others."""
    # One list of parts is encoded in this thread: many cores are for many processes, which must be safe to fork.
    encoding = tokenizer.encode(parts, is_pretokenized=True, add_special_tokens=False)
    ids, counts = encoding.ids, np.bincount(np.array(encoding.word_ids, np.int64), minlength=len(parts))
    return [ids[start:end] for start, end in pairwise([0, *np.cumsum(counts).tolist()])]


def whole_characters(text: str) -> str:
    """Return text with halves of surrogate pairs joined, or replaced by U+FFFD if alone: UTF-8 has none of them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if HALVES.search(text) else text


def characters_of_bytes() -> list[str]:
    """Return the printable character that each byte is written as."""
    others = iter(range(256, 512))
    return [chr(byte if byte in PRINTABLE else next(others)) for byte in range(256)]


def is_byte_level(encoder: Path) -> bool:
    """Return True for the file of a byte-level vocabulary, whose name GPT-1's has as well."""
    ids = read_ids(encoder)
    return UNKNOWN not in ids and NEWLINE not in ids


def describe(size: int, encoder: Path, merges: Path) -> VocabularyRecord:
    """Return the description of a vocabulary of so many tokens, of its two files."""
    return VocabularyRecord(kind=ByteVocabulary.kind, size=size, fingerprint=fingerprint_of(encoder, merges))


def text_of(tokens: bytes) -> str:
    """Return the text of the bytes of tokens; what is no whole character reads as U+FFFD."""
    return tokens.decode(errors="replace")


def bytes_of_tokens(ids: dict[str, int], path: Path) -> list[bytes]:
    """Return the bytes of each token; of <|endoftext|> those of its name."""
    byte_of = {character: byte for byte, character in enumerate(characters_of_bytes())}
    if END_OF_TEXT not in ids:
        raise PretraceError(f"{path}: has no token {END_OF_TEXT!r} for the end of a document, as GPT-2's has")
    if missing := [byte for character, byte in byte_of.items() if character not in ids]:
        raise PretraceError(f"{path}: has no token for the byte {missing[0]:#04x}, so it is not byte-level")
    found: dict[int, bytes] = {}
    for token, number in ids.items():
        if token != END_OF_TEXT and not (token and byte_of.keys() >= set(token)):
            raise PretraceError(f"{path}: token {number} has a character that stands for no byte: {token[:40]!r}")
        found[number] = token.encode() if token == END_OF_TEXT else bytes(byte_of[character] for character in token)
    return [found[number] for number in range(len(found))]


def _read_pairs(path: Path, ids: dict[str, int]) -> list[tuple[str, str]]:
    pairs: list[Any] = []
    for number, pair in read_merges(path, ids):
        for part in pair:
            if part not in ids:
                raise PretraceError(f"{path}: line {number}: merges {part[:40]!r}, which is no token")
        if "".join(pair) == END_OF_TEXT:
            raise PretraceError(f"{path}: line {number}: makes {END_OF_TEXT}, which no text may become")
        pairs.append(pair)
    return pairs
