"""Byte-pair encoding by sentencepiece, word by word as in GPT-1: a token that ends a word is marked as such."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import read_bytes
from pretrace.corpus.text.recipe import ENGLISH
from pretrace.schemas.tokens import VocabularyRecord
from pretrace.tokens.word_cache import WordVocabulary

MODEL_FILE = "vocabulary.model"
END_OF_WORD = "\N{LOWER ONE EIGHTH BLOCK}"
"""sentencepiece's sign for a space. As a suffix it stands for `</w>` in the paper's code."""
OUTSIDE_VOCABULARY = "\U0010ffff"
"""Replaces that sign where it stands in the text itself, so that it is unknown and ends no word."""
UNKNOWN, NEWLINE = "<unk>", "\n"
AGAIN = "run the stage `bpe` again"
MODEL_BYTES = 32 << 20
"""Of a model; one of a million tokens has about 20 MB."""
TRAINING, MODEL_TYPE, SPACE_AS_SUFFIX = 2, 3, 24
"""Numbers of fields in sentencepiece_model.proto: of a model, and two of its `trainer_spec`."""
UNIGRAM, BPE = 1, 2
KINDS: dict[Any, str] = {UNIGRAM: "unigram", BPE: "bpe", 3: "word", 4: "char"}
WIDTHS = {1: 8, 2: 0, 5: 4}
"""Bytes of a value by its wire type; 0: they are counted before it."""


class SentencePieceVocabulary(WordVocabulary):
    """A vocabulary trained by `train_vocabulary`; its members are those of `Vocabulary`."""

    kind = "sentencepiece-bpe"

    def __init__(self, folder: Path, description: VocabularyRecord) -> None:
        path = folder / MODEL_FILE
        self.description = description
        self.files: tuple[Path, ...] = (path,)
        self.released_names: tuple[str, ...] = (MODEL_FILE,)
        content = read_bytes(
            path, MODEL_BYTES, "no such file, but vocabulary.json beside it needs one; run the stage `bpe`"
        )
        self.fingerprint = hashlib.sha256(content).hexdigest()
        if self.fingerprint != description.fingerprint:
            raise PretraceError(f"{path}: does not match the fingerprint in vocabulary.json; {AGAIN}")
        _check_training(content, path)
        self._model = _load(content, path)
        self.unknown_id: int | None = self._model.unk_id()
        tokens = _tokens(self._model, path)
        newline_id = self._model.piece_to_id(NEWLINE)
        if newline_id == self.unknown_id:
            raise PretraceError(f"{path}: has no token for the line end; {AGAIN}")
        if len(tokens) != description.size:
            raise PretraceError(
                f"{path}: has {len(tokens)} tokens, and vocabulary.json says {description.size}; {AGAIN}"
            )
        tokens[self.unknown_id] = UNKNOWN
        super().__init__(tokens, newline_id, END_OF_WORD, description.language or ENGLISH)

    def _encode(self, words: list[str]) -> list[list[int]]:
        return self._model.encode([word.replace(END_OF_WORD, OUTSIDE_VOCABULARY) for word in words])


def _load(content: bytes, path: Path) -> Any:
    import sentencepiece

    try:
        return sentencepiece.SentencePieceProcessor(model_proto=content)
    except (OSError, RuntimeError) as error:
        raise PretraceError(f"{path}: not a sentencepiece model ({error}); {AGAIN}") from None


def _tokens(model: Any, path: Path) -> list[str]:
    """Return the tokens by id. Raises `PretraceError` if there are none, or one is no text."""
    tokens: list[str] = []
    try:
        for index in range(model.get_piece_size()):
            tokens.append(model.id_to_piece(index))
    except UnicodeDecodeError as error:
        raise PretraceError(f"{path}: token {len(tokens)} is not UTF-8 ({error.object!r}); {AGAIN}") from None
    if model.unk_id() not in range(len(tokens)):
        raise PretraceError(f"{path}: has no token for what is unknown; {AGAIN}")
    return tokens


def _check_training(content: bytes, path: Path) -> None:
    """Raise `PretraceError` unless a model was trained as `train_vocabulary` trains: by pairs, with ends of words.

    sentencepiece opens models of other kinds, and splits words in other places with them.
    """
    try:
        [training] = [value for number, value in _fields(content) if number == TRAINING and isinstance(value, bytes)][
            -1:
        ]
        found = dict(_fields(training))
    except (ValueError, IndexError):
        raise PretraceError(f"{path}: not a whole sentencepiece model; {AGAIN}") from None
    kind = found.get(MODEL_TYPE, UNIGRAM)
    if kind != BPE:
        raise PretraceError(f"{path}: a sentencepiece model of kind {KINDS.get(kind, kind)}; takes bpe; {AGAIN}")
    if not found.get(SPACE_AS_SUFFIX):
        raise PretraceError(f"{path}: its tokens do not say where a word ends (treat_whitespace_as_suffix); {AGAIN}")


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a protobuf message. Raises `ValueError`, `IndexError`: it is damaged."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire_type not in WIDTHS:
            raise ValueError(f"wire type {wire_type}")
        size, at = (WIDTHS[wire_type], at) if WIDTHS[wire_type] else _varint(message, at)
        if at + size > len(message):
            raise IndexError(at)
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number at a place of a message, and the place after it."""
    value = shift = 0
    while message[at] & 0x80:
        value |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
    return value | message[at] << shift, at + 1
