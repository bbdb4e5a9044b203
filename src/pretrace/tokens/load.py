"""Open a vocabulary: `load_vocabulary` chooses its kind by the files in a folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, read_json
from pretrace.common.open_file import SETTINGS_BYTES
from pretrace.schemas.record import parse_record, write_record
from pretrace.schemas.tokens import VocabularyRecord
from pretrace.tokens.openai_bpe import FILES, HUGGING_FACE_FILES, OpenAIVocabulary
from pretrace.tokens.sentencepiece_bpe import SentencePieceVocabulary
from pretrace.tokens.vocabulary import Vocabulary

DESCRIPTION = "vocabulary.json"


@dataclass(frozen=True)
class Kind:
    """A kind of vocabulary."""

    name: str
    """Its `kind` in `vocabulary.json`."""
    from_description: Callable[[Path, VocabularyRecord], Vocabulary]
    """Opens a folder with a `vocabulary.json` of this kind, given its content."""
    from_files: Callable[[Path, tuple[str, str]], Vocabulary] | None = None
    """Opens a folder without `vocabulary.json`, given the names of its files."""
    files: tuple[tuple[str, str], ...] = ()
    """Names of files that tell the kind of a folder without `vocabulary.json`."""


KINDS = (
    Kind(SentencePieceVocabulary.kind, SentencePieceVocabulary),
    Kind(OpenAIVocabulary.kind, OpenAIVocabulary.from_description, OpenAIVocabulary, (FILES, HUGGING_FACE_FILES)),
)
"""To add a kind, write its class in a module of its own and give it an entry here."""


def load_vocabulary(folder: Path | str) -> Vocabulary:
    """Open the vocabulary in `folder`: the pipeline's own, OpenAI's two files, or the same under Hugging Face's names.

    Raises:
        PretraceError: there is none, it is of an unknown kind, or its files do not belong together.
    """
    folder = Path(folder)
    if not (folder / DESCRIPTION).exists():
        return _load_bare(folder)
    values = read_json(folder / DESCRIPTION, SETTINGS_BYTES)
    name = values.get("kind") if isinstance(values, dict) else None
    for kind in KINDS:
        if name == kind.name:
            return kind.from_description(folder, parse_record(values, VocabularyRecord, str(folder / DESCRIPTION)))
    accepted = " or ".join(repr(kind.name) for kind in KINDS)
    raise PretraceError(f"{folder / DESCRIPTION}: kind: got {name!r}; takes {accepted}")


def _load_bare(folder: Path) -> Vocabulary:
    """Open a vocabulary without `vocabulary.json`, by the names of its files."""
    for kind in KINDS:
        for names in kind.files:
            if kind.from_files and any((folder / name).exists() for name in names):
                return kind.from_files(folder, names)
    files = ", or ".join(" and ".join(names) for kind in KINDS for names in kind.files)
    raise PretraceError(f"{folder}: no vocabulary there; takes {DESCRIPTION}, or {files}")


def vocabulary_folder(model_folder: Path | str) -> Path:
    """Return the vocabulary's folder of a model: `vocabulary` below it, as the pipeline writes, or the model's own."""
    inner = Path(model_folder) / "vocabulary"
    return inner if inner.is_dir() else Path(model_folder)


def copy_vocabulary(source: Path, out: Path) -> Vocabulary:
    """Copy the vocabulary in `source` to the folder `out`, with its `vocabulary.json`, and return it."""
    vocabulary = load_vocabulary(source)
    with atomic_folder(out) as temporary:
        for path, name in zip(vocabulary.files, vocabulary.released_names, strict=True):
            shutil.copyfile(path, temporary / name)
        write_record(temporary / DESCRIPTION, vocabulary.description)
    return vocabulary
