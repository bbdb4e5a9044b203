"""The small interface behind which every vocabulary stands, and `load_vocabulary` that opens one."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pretrace.errors import PretraceError
from pretrace.files import read_json


class Vocabulary(Protocol):
    """Ids for cleaned text and back. An id is a piece of a word; a line end is one id of its own."""

    size: int
    """Number of ids; they run from 0 to size - 1."""
    fingerprint: str
    """SHA-256 that two vocabularies share only if they give the same ids."""
    newline_id: int
    """The id of `\\n`."""
    unknown_id: int
    """The id of everything that the vocabulary has no pieces for."""

    def encode(self, text: str) -> list[int]:
        """Ids of raw text: it is cleaned (`pretrace.corpus.clean_text`) and then encoded."""
        ...

    def encode_words(self, cleaned: str) -> list[int]:
        """Ids of text that is cleaned already; each distinct word is looked up once."""
        ...

    def decode(self, ids: list[int]) -> str:
        """Cleaned text: words parted by one space, lines by `\\n`. An unknown id reads "<unk>".

        For text without unknown characters, `decode(encode(text)) == clean_text(text)`.
        """
        ...


def load_vocabulary(folder: Path | str) -> Vocabulary:
    """Open the vocabulary in `folder`, of whatever kind it is.

    Raises:
        PretraceError: there is none, it is of an unknown kind, or its files do not belong together.
    """
    from pretrace.vocabulary.pieces import PieceVocabulary

    folder = Path(folder)
    description = read_json(folder / "vocabulary.json")
    kind = description.get("kind") if isinstance(description, dict) else None
    if kind != PieceVocabulary.kind:
        raise PretraceError(f"{folder / 'vocabulary.json'}: kind: got {kind!r}; takes {PieceVocabulary.kind!r}")
    return PieceVocabulary(folder, description)
