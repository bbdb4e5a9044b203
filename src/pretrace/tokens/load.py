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
from pretrace.tokens.byte_bpe import FILES as BYTE_FILES
from pretrace.tokens.byte_bpe import ByteVocabulary, is_byte_level
from pretrace.tokens.openai_bpe import FILES, HUGGING_FACE_FILES, OpenAIVocabulary
from pretrace.tokens.sentencepiece_bpe import SentencePieceVocabulary
from pretrace.tokens.special_rows import ExtendedVocabulary, SpecialTokensError
from pretrace.tokens.vocabulary import Vocabulary
from pretrace.tokens.wordpiece import FILE as WORDPIECE_FILE
from pretrace.tokens.wordpiece import WordPieceVocabulary
from pretrace.tokens.words import WholeWords

DESCRIPTION = "vocabulary.json"


@dataclass(frozen=True)
class Kind:
    """A kind of vocabulary."""

    name: str
    """Its `kind` in `vocabulary.json`."""
    from_description: Callable[[Path, VocabularyRecord], Vocabulary]
    """Opens a folder with a `vocabulary.json` of this kind, given its content."""
    from_files: Callable[[Path, tuple[str, ...]], Vocabulary] | None = None
    """Opens a folder without `vocabulary.json`, given the names of its files."""
    files: tuple[tuple[str, ...], ...] = ()
    """Names of files that tell the kind of a folder without `vocabulary.json`."""
    is_kind: Callable[[Path], bool] = lambda _: True
    """Looks into the first file, where another kind has files of the same names."""


def _names_in(folder: Path, released: tuple[str, str]) -> tuple[str, str]:
    """Return the names that a vocabulary's two files have in a folder: as released, or Hugging Face's."""
    return released if any((folder / name).exists() for name in released) else HUGGING_FACE_FILES


def _open_extended(folder: Path, description: VocabularyRecord) -> Vocabulary:
    if description.base is None or description.base.base or not description.specials:
        raise PretraceError(f"{folder / DESCRIPTION}: an extended vocabulary takes `specials`, and a `base` of text")
    try:
        return ExtendedVocabulary(_open(folder, description.base), description.specials)
    except SpecialTokensError as error:
        raise PretraceError(f"{folder / DESCRIPTION}: {error}") from None


KINDS = (
    Kind(SentencePieceVocabulary.kind, SentencePieceVocabulary),
    Kind(
        ByteVocabulary.kind,
        lambda folder, _: ByteVocabulary(folder, _names_in(folder, BYTE_FILES)),
        ByteVocabulary,
        (BYTE_FILES, HUGGING_FACE_FILES),
        is_byte_level,
    ),
    Kind(
        OpenAIVocabulary.kind,
        lambda folder, _: OpenAIVocabulary(folder, _names_in(folder, FILES)),
        OpenAIVocabulary,
        (FILES, HUGGING_FACE_FILES),
    ),
    Kind(
        WordPieceVocabulary.kind,
        lambda folder, description: WordPieceVocabulary(folder, description.lower_case),
        lambda folder, _: WordPieceVocabulary(folder),
        ((WORDPIECE_FILE,),),
    ),
    Kind(WholeWords.kind, WholeWords),
    Kind(ExtendedVocabulary.kind, _open_extended),
)
"""To add a kind, write its class in a module of its own and give it an entry here."""


def load_vocabulary(folder: Path | str) -> Vocabulary:
    """Open the vocabulary in `folder`: the pipeline's own, or one that OpenAI, Google or Hugging Face released.

    Raises:
        PretraceError: there is none, it is of an unknown kind, or its files do not belong together.
    """
    folder = Path(folder)
    if not (folder / DESCRIPTION).exists():
        return _load_bare(folder)
    values = read_json(folder / DESCRIPTION, SETTINGS_BYTES)
    name = values.get("kind") if isinstance(values, dict) else None
    if name not in [kind.name for kind in KINDS]:
        accepted = " or ".join(repr(kind.name) for kind in KINDS)
        raise PretraceError(f"{folder / DESCRIPTION}: kind: got {name!r}; takes {accepted}")
    description = parse_record(values, VocabularyRecord, str(folder / DESCRIPTION))
    vocabulary = _open(folder, description)
    if vocabulary.fingerprint != description.fingerprint:
        raise PretraceError(
            f"{folder / DESCRIPTION}: does not match the fingerprint of the files beside it; run the stage `bpe` again"
        )
    return vocabulary


def _open(folder: Path, description: VocabularyRecord) -> Vocabulary:
    for kind in KINDS:
        if description.kind == kind.name:
            return kind.from_description(folder, description)
    raise PretraceError(f"{folder / DESCRIPTION}: base.kind: got {description.kind!r}, which is no kind of vocabulary")


def _load_bare(folder: Path) -> Vocabulary:
    """Open a vocabulary without `vocabulary.json`, by the names of its files."""
    for kind in KINDS:
        for names in kind.files:
            present = any((folder / name).exists() for name in names)
            if kind.from_files and present and kind.is_kind(folder / names[0]):
                return kind.from_files(folder, names)
    files = dict.fromkeys(" and ".join(names) for kind in KINDS for names in kind.files)
    raise PretraceError(f"{folder}: no vocabulary there; takes {DESCRIPTION}, or {', or '.join(files)}")


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
