"""The small interface behind which every vocabulary stands, and `load_vocabulary` that opens one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, read_json, write_json

DESCRIPTION = "vocabulary.json"


class Vocabulary(Protocol):
    """Ids for cleaned text and back. An id is a piece of a word; a line end is one id of its own."""

    description: dict[str, Any]
    """What `vocabulary.json` says: kind, size, fingerprint."""
    files: tuple[Path, ...]
    """What it was read from."""
    released_names: tuple[str, ...]
    """How those files are called where they come from."""
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
        """Ids of text that is cleaned already; each distinct word is encoded once."""
        ...

    def encode_arrays(self, cleaned: list[str]) -> list[np.ndarray]:
        """The same for many texts, faster where they are short."""
        ...

    def encode_array(self, cleaned: str) -> np.ndarray:
        """The same, much faster: shape (tokens,), uint16, or uint32 for more ids than that tells apart."""
        ...

    def decode(self, ids: list[int]) -> str:
        """Cleaned text: words parted by one space, lines by `\\n`. An unknown id reads "<unk>".

        For text without unknown characters, `decode(encode(text)) == clean_text(text)`.
        """
        ...


def load_vocabulary(folder: Path | str) -> Vocabulary:
    """Open the vocabulary in `folder`: the pipeline's own, OpenAI's two files, or the same under Hugging Face's names.

    Raises:
        PretraceError: there is none, it is of an unknown kind, or its files do not belong together.
    """
    from pretrace.tokens.openai_bpe import FILES, HUGGING_FACE_FILES, OpenAIVocabulary
    from pretrace.tokens.sentencepiece_bpe import PieceVocabulary

    folder = Path(folder)
    if not (folder / DESCRIPTION).exists():
        for names in (FILES, HUGGING_FACE_FILES):
            if any((folder / name).exists() for name in names):
                return OpenAIVocabulary(folder, names)
        raise PretraceError(
            f"{folder}: no vocabulary there; takes {DESCRIPTION}, or {' and '.join(FILES)}, or "
            f"{' and '.join(HUGGING_FACE_FILES)}"
        )
    description = read_json(folder / DESCRIPTION)
    kind = description.get("kind") if isinstance(description, dict) else None
    if kind == PieceVocabulary.kind:
        return PieceVocabulary(folder, description)
    if kind != OpenAIVocabulary.kind:
        accepted = f"{PieceVocabulary.kind!r} or {OpenAIVocabulary.kind!r}"
        raise PretraceError(f"{folder / DESCRIPTION}: kind: got {kind!r}; takes {accepted}")
    vocabulary = OpenAIVocabulary(folder)
    if vocabulary.fingerprint != description.get("fingerprint"):
        raise PretraceError(
            f"{folder / DESCRIPTION}: its fingerprint is not that of the files beside it; run `bpe` again"
        )
    return vocabulary


def vocabulary_folder(model_folder: Path | str) -> Path:
    """Where a model's folder has its vocabulary: in a folder of its own, as the pipeline's models do, or beside it."""
    inner = Path(model_folder) / "vocabulary"
    return inner if inner.is_dir() else Path(model_folder)


def copy_vocabulary(source: Path, out: Path) -> Vocabulary:
    """Write the vocabulary in `source` to the folder `out`, with its `vocabulary.json`; returns it as it was read."""
    vocabulary = load_vocabulary(source)
    with atomic_folder(out) as temporary:
        for path, name in zip(vocabulary.files, vocabulary.released_names, strict=True):
            shutil.copyfile(path, temporary / name)
        write_json(temporary / DESCRIPTION, vocabulary.description)
    return vocabulary
