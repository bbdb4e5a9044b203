"""One file of somebody's text: its name, what that says of its kind, and how to get its bytes."""

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
    """Below the folder, with `/`: what documents are named after."""
    shown: str
    """The whole path or URL, as errors and rejects say it."""
    size: int
    """Bytes, as stored."""
    open: Callable[[], BinaryIO]
    """Gives its bytes, which can be sought in."""
    bad: BadInputError | None = None
    """Why it is not to be opened; then it may be a folder, too."""
    remote: bool = False
    """Whether a failure may be that of a network, and no fault of the file."""

    @property
    def kind(self) -> str:
        """One of `KINDS`, or ""."""
        return kind_of(self.name)[0]

    @property
    def stem(self) -> str:
        """The name without what says its kind."""
        return self.name[: -len("".join(kind_of(self.name)))]


def kind_of(name: str) -> tuple[str, str]:
    """What a file's name says: its kind ("" if it is none of `KINDS`) and its compression ("" for none)."""
    compression = PurePosixPath(name.lower()).suffix
    if compression not in COMPRESSIONS:
        compression = ""
    kind = PurePosixPath(name.lower().removesuffix(compression)).suffix
    return (kind, compression) if kind in KINDS else ("", "")
