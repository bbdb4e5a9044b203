"""A file of text: its name, its kind and compression by that name, and how to open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from pretrace.corpus.readers.faults import BadInputError

COMPRESSIONS = (".gz", ".zst")
KINDS = (".txt", ".jsonl", ".parquet")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of text, not opened yet."""

    name: str
    """Path below the folder, with `/`: the prefix of document ids."""
    shown: str
    """The whole path or URL, as in errors and rejects."""
    size: int
    """Bytes, as stored."""
    open: Callable[[], BinaryIO]
    """Opens a seekable stream of its bytes."""
    bad: BadInputError | None = None
    """The fault for which it is not opened; then it may be a folder, too."""
    remote: bool = False
    """True if a failure may be that of a network, and no fault of the file."""

    @property
    def kind(self) -> str:
        """One of `KINDS`, or ""."""
        return kind_of(self.name)[0]

    @property
    def stem(self) -> str:
        """The name without the suffixes of kind and compression."""
        return self.name[: -len("".join(kind_of(self.name)))]


def kind_of(name: str) -> tuple[str, str]:
    """Return the kind ("" if it is none of `KINDS`) and the compression ("" for none) of a file by its name."""
    compression = PurePosixPath(name.lower()).suffix
    if compression not in COMPRESSIONS:
        compression = ""
    kind = PurePosixPath(name.lower().removesuffix(compression)).suffix
    return (kind, compression) if kind in KINDS else ("", "")
