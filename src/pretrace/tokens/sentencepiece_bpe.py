"""Byte-pair encoding by sentencepiece, word by word as in GPT-1: a token that ends a word is marked as such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_file
from pretrace.schemas.tokens import VocabularyRecord
from pretrace.tokens.word_cache import WordVocabulary

MODEL_FILE = "vocabulary.model"
END_OF_WORD = "\N{LOWER ONE EIGHTH BLOCK}"
"""sentencepiece's sign for a space. As a suffix it stands for `</w>` in the paper's code."""
OUTSIDE_VOCABULARY = "\U0010ffff"
"""Replaces that sign where it stands in the text itself, so that it is unknown and ends no word."""
UNKNOWN = "<unk>"


class SentencePieceVocabulary(WordVocabulary):
    """A vocabulary trained by `train_vocabulary`; its members are those of `Vocabulary`."""

    kind = "sentencepiece-bpe"

    def __init__(self, folder: Path, description: VocabularyRecord) -> None:
        path = folder / MODEL_FILE
        self.description = description
        self.files: tuple[Path, ...] = (path,)
        self.released_names: tuple[str, ...] = (MODEL_FILE,)
        self.fingerprint = _checked_fingerprint(path, description.fingerprint)
        self._model = _load(path)
        self.unknown_id: int = self._model.unk_id()
        tokens = [self._model.id_to_piece(index) for index in range(self._model.get_piece_size())]
        tokens[self.unknown_id] = UNKNOWN
        super().__init__(tokens, self._model.piece_to_id("\n"), END_OF_WORD)

    def _encode(self, words: list[str]) -> list[list[int]]:
        return self._model.encode([word.replace(END_OF_WORD, OUTSIDE_VOCABULARY) for word in words])


def _load(path: Path) -> Any:
    import sentencepiece

    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise PretraceError(f"{path}: not a sentencepiece model ({error}); run the stage `bpe` again") from None


def _checked_fingerprint(path: Path, expected: str) -> str:
    if not path.is_file():
        raise PretraceError(f"{path}: no such file, but vocabulary.json beside it needs one; run the stage `bpe` again")
    fingerprint = sha256_of_file(path)
    if fingerprint != expected:
        raise PretraceError(f"{path}: does not match the fingerprint in vocabulary.json; run the stage `bpe` again")
    return fingerprint
