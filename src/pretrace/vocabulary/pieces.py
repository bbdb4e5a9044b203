"""Byte-pair encoding by sentencepiece, word by word as GPT-1 has it: a piece that ends a word says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pretrace.corpus.clean import clean_text
from pretrace.errors import PretraceError
from pretrace.files import sha256_of_file
from pretrace.vocabulary.words import WordIds

MODEL_FILE = "vocabulary.model"
END_OF_WORD = "\N{LOWER ONE EIGHTH BLOCK}"
"""sentencepiece's sign for a space. As a suffix it is what the paper's code writes as `</w>`."""
NEVER_SEEN = "\U0010ffff"
"""Takes the place of that sign where it stands in the text itself, so that it is unknown and ends no word."""
UNKNOWN = "<unk>"


class PieceVocabulary:
    """A vocabulary trained by `train_vocabulary`; see `Vocabulary` for what its members mean."""

    kind = "sentencepiece-bpe"

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        path = folder / MODEL_FILE
        self.description, self.files, self.released_names = description, (path,), (MODEL_FILE,)
        self.fingerprint = _checked_fingerprint(path, description.get("fingerprint"))
        self._model = _load(path)
        self.size: int = self._model.get_piece_size()
        self.unknown_id: int = self._model.unk_id()
        self.newline_id: int = self._model.piece_to_id("\n")
        self.pieces = [self._model.id_to_piece(index) for index in range(self.size)]
        self.pieces[self.unknown_id] = UNKNOWN
        self._words = WordIds(self.size, self.newline_id, self._encode)

    def encode(self, text: str) -> list[int]:
        return self.encode_words(clean_text(text))

    def encode_words(self, cleaned: str) -> list[int]:
        return self.encode_array(cleaned).tolist()

    def encode_array(self, cleaned: str) -> np.ndarray:
        return self._words.of(cleaned)

    def _encode(self, words: list[str]) -> list[list[int]]:
        return self._model.encode([word.replace(END_OF_WORD, NEVER_SEEN) for word in words])

    def decode(self, ids: list[int]) -> str:
        text = "".join([self.pieces[index] for index in ids]).replace(END_OF_WORD, " ")
        return "\n".join(line.strip(" ") for line in text.split("\n"))


def _load(path: Path) -> Any:
    import sentencepiece

    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise PretraceError(f"{path}: not a sentencepiece model ({error}); run the stage `bpe` again") from None


def _checked_fingerprint(path: Path, expected: Any) -> str:
    if not path.is_file():
        raise PretraceError(f"{path}: no such file, but vocabulary.json beside it needs one; run the stage `bpe` again")
    found = sha256_of_file(path)
    if found != expected:
        raise PretraceError(f"{path}: does not match the fingerprint in vocabulary.json; run the stage `bpe` again")
    return found
