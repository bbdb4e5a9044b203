"""Files of examples for the quality classifier: read by the stage `evaluation`, used by `clean`.

    <folder>/positives/part-*.parquet, negatives/part-*.parquet    the documents of the files
    <folder>/files.json                                           each path of params.yaml with its hash

DVC watches the files in `rows/` (dvc.yaml); of others the hash is in `reports/clean.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pretrace.common.files import CHUNK_BYTES, atomic_folder
from pretrace.corpus.documents import Document, write_documents
from pretrace.corpus.filters.classifier import FILES, SIDES
from pretrace.corpus.readers.faults import stop
from pretrace.corpus.readers.find_files import CorpusFiles, find_files
from pretrace.corpus.readers.read_documents import read_files
from pretrace.schemas.record import write_record
from pretrace.schemas.tasks import RawFile

if TYPE_CHECKING:
    from pretrace.settings import ClassifierRules, Corpus


def write_example_texts(out: Path, corpus: Corpus) -> None:
    """Write the examples in the files of `corpus.quality.classifier`, which is set, to a folder.

    Raises:
        PretraceError: nothing is at a path, or a file is bad.
    """
    rules = corpus.quality.classifier
    assert rules
    with atomic_folder(out) as temporary:
        for side in SIDES:
            write_documents(temporary / side, _documents(side, rules, corpus))
        described = [_describe(path, found) for path, found in find_example_files(rules)]
        write_record(temporary / FILES, described)


def find_example_files(rules: ClassifierRules) -> Iterator[tuple[str, CorpusFiles]]:
    """Yield each path of the rules with its files. Raises `PretraceError` if nothing is there, or a name is bad."""
    for side in SIDES:
        for path in getattr(rules, side).files:
            yield path, find_files(path, stop, _key(side))


def _key(side: str) -> str:
    return f"corpus.quality.classifier.{side}.files"


def _documents(side: str, rules: ClassifierRules, corpus: Corpus) -> Iterator[Document]:
    for path in getattr(rules, side).files:
        yield from read_files(path, corpus.columns, corpus.documents, key=_key(side))


def _describe(path: str, found: CorpusFiles) -> RawFile:
    """Return size and hash: of the file, or of the lines `<sha256>  <name>` of several; none of remote files."""
    size = sum(file.size for file in found.files)
    if any(file.remote for file in found.files):
        return RawFile(path=path, sha256=None, bytes=size, revision=None)
    digests = {file.name: _sha256(file.open()) for file in found.files}
    if len(digests) == 1:
        (digest,) = digests.values()
    else:
        lines = "".join(f"{own}  {name}\n" for name, own in sorted(digests.items()))
        digest = hashlib.sha256(lines.encode()).hexdigest()
    return RawFile(path=path, sha256=digest, bytes=size, revision=None)


def _sha256(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    with stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
