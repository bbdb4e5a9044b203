"""Files of a corpus: a file, a folder or a glob, local or at a URL that fsspec reads (s3://).

Files are sorted by name, whatever the order of the file system. Nothing is opened here.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pretrace.common.errors import PretraceError, is_control, printable
from pretrace.corpus.readers.faults import BadInputError, OnFault
from pretrace.corpus.readers.list_files import list_local, list_remote
from pretrace.corpus.readers.source_file import COMPRESSIONS, KINDS, SourceFile

URL = re.compile(r"[a-z][a-z0-9+.-]*://")
WILDCARD = re.compile(r"[*?\[]")
CORPUS_PATH = "corpus.path"
TAKES = f"a folder, a glob, or a file of {', '.join(KINDS)}, each also with {' or '.join(COMPRESSIONS)}"


@dataclass(frozen=True)
class CorpusFiles:
    """The files of a corpus."""

    files: list[SourceFile]
    folder: str
    """Name of the folder that contains them."""
    passed_over: int
    """Number of files of other kinds that are not hidden."""


def find_files(path: str | Path, on_fault: OnFault, key: str = CORPUS_PATH) -> CorpusFiles:
    """Return the files of `path`, sorted by name; bad names and links go to `on_fault`.

    Hidden files and folders below a folder belong to some tool and are ignored. A glob is matched against the files
    below its last folder without a wildcard; `**` stands for any number of folders. `key` is the setting, for errors.

    Raises:
        PretraceError: nothing is there; no file is of a known kind; a package that the URL needs is not installed.
    """
    location = str(path)
    base, pattern = _split_glob(location)
    folder, listed = list_remote(base, key) if URL.match(location) else list_local(Path(base))
    if pattern:
        listed = [file for file in listed if _matches(file.name.split("/"), pattern.split("/"), bool(file.bad))]
    if not listed:
        raise PretraceError(f"params.yaml: {key}: nothing at {printable(location)}; takes {TAKES}")
    known = sorted((file for file in listed if file.kind or file.bad), key=lambda file: file.name)
    if not known:
        what = f"none of its {len(listed)} files is" if pattern or listed[0].shown != printable(base) else "it is not"
        raise PretraceError(
            f"params.yaml: {key}: {printable(location)}: {what} one of {', '.join(KINDS)}, alone or with "
            f"{' or '.join(COMPRESSIONS)}"
        )
    files = []
    for file in known:
        bad = BadInputError("file_name") if any(map(is_control, file.name)) else file.bad
        if bad:
            on_fault(bad.at(file.shown))
        else:
            files.append(file)
    return CorpusFiles(files, folder, len(listed) - len(known))


def _split_glob(location: str) -> tuple[str, str]:
    """Split a glob into the folder above its first wildcard and the pattern below it ("" for any other path)."""
    match = URL.match(location)
    scheme = match[0] if match else ""
    if not WILDCARD.search(location, len(scheme)) or (not scheme and os.path.lexists(location)):
        return location, ""
    parts = location[len(scheme) :].split("/")
    first = next(number for number, part in enumerate(parts) if WILDCARD.search(part))
    above = "/".join(parts[:first])
    if not scheme and not above:
        above = "/" if first else "."
    return scheme + above, "/".join(parts[first:])


def _matches(names: list[str], patterns: list[str], folder: bool) -> bool:
    """Return True if a file's path matches; for a `folder`, if a path below it could.

    All places of the pattern that the names so far can have reached are followed at once, so that many `**` cost no
    more than one.
    """
    places = _with_skipped({0}, patterns)
    for name in names:
        stay = {place for place in places if patterns[place : place + 1] == ["**"]}
        passed = {place + 1 for place in places - stay if place < len(patterns) and fnmatchcase(name, patterns[place])}
        places = _with_skipped(stay | passed, patterns)
    return bool(places) if folder else len(patterns) in places


def _with_skipped(places: set[int], patterns: list[str]) -> set[int]:
    """Add the places behind each `**`, which may stand for no folder at all."""
    reached = set(places)
    for place, pattern in enumerate(patterns):
        if place in reached and pattern == "**":
            reached.add(place + 1)
    return reached
