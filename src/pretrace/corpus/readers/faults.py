"""Faults of files and rows of text, and how they are handled.

A reader hands every fault to a function. `stop` ends the run with one line; `FaultLog.add` writes the fault down and
lets the rest of the corpus through. A fault concerns one file or one row.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from pretrace.common.errors import PretraceError, printable

VALUE_CHARACTERS = 200
"""Longest value in a fault: a library's message can be long."""
REASONS = {
    "file_name": "a name with a control character, or not in UTF-8; rename it",
    "link_outside": "a link to {value}, which is outside of the folder; copy it here, or set corpus.path to a folder "
    "that holds both",
    "link_broken": "a link to {value}, where nothing is; mend it or take it out",
    "not_a_file": "{value}, not a regular file; take it out",
    "unreadable": "cannot be read ({value}); check who owns it, or take it out",
    "empty": "no text in it; take it out",
    "damaged": "not a whole {value}; make or copy it again",
    "too_large": "grows to more than {value} times its size, or is a bomb; take it out",
    "too_long": "a document of more than {value} bytes; cut it up, or set corpus.documents: piece (of plain text)",
    "long_window": "a .zst file with a window of more than 128 MB (zstd --long={value}); pack it again: "
    "zstd -d --long={value} -c OLD | zstd -o NEW",
    "other_content": "its content is {value}",
    "utf16": "{value}, not UTF-8; convert it (iconv -f {value} -t UTF-8)",
    "not_utf8": "not UTF-8 at byte {value}; convert it (iconv -f WINDOWS-1252 -t UTF-8, or from what it is in)",
    "nul": "a NUL at character {value}, so no text; mend it or take it out",
    "surrogate": "half of a surrogate pair at character {value}, which is no text; mend it or take it out",
    "not_json": "not JSON ({value}); takes one object a line",
    "json_array": "one JSON array; takes one object a line (jq -c '.[]' FILE writes that)",
    "not_an_object": "takes a JSON object, got {value}",
    "no_column": "no column {value}; set corpus.columns in params.yaml",
    "column_twice": "more than one column {value}; leave one of that name",
    "not_text": "column {value}",
}
"""By reason, as in the rejects and the report: its text for a person; `{value}` is the offending value."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One file or row that is rejected."""

    file: str
    """Path or URL, with control characters escaped."""
    row: int | None
    """From 1; for plain text the line where the document begins; None: the file, from where reading stopped."""
    reason: str
    """A key of `REASONS`."""
    value: str
    """The offending value: a byte's number, a type, a library's message; at most `VALUE_CHARACTERS`."""
    kept: int | None = None
    """Of a file: the number of documents before the fault, which are kept."""

    @property
    def line(self) -> str:
        """The fault in one line for a person."""
        where = f"{self.file}: " + (f"row {self.row}: " if self.row is not None else "")
        after = f" ({self.kept} documents come before that)" if self.kept else ""
        return where + REASONS[self.reason].format(value=self.value) + after


OnFault = Callable[[Fault], None]


class BadInputError(Exception):
    """A fault, raised where it is noticed and completed where the file and the row are known."""

    def __init__(self, reason: str, value: object = "") -> None:
        super().__init__(reason, value)
        self.reason, self.value = reason, printable(str(value))[:VALUE_CHARACTERS]

    def at(self, file: str, row: int | None = None, kept: int | None = None) -> Fault:
        return Fault(file, row, self.reason, self.value, kept)


def stop(fault: Fault) -> None:
    """`on_bad_input: stop`: the first fault ends the run.

    Raises:
        PretraceError: always.
    """
    raise PretraceError(f"{fault.line}, or set corpus.on_bad_input: skip")


class FaultLog:
    """`on_bad_input: skip`: faults as lines of JSON in `path`, counted by reason.

    Use it as a context. The caller makes the file's folder appear whole (`pretrace.common.files.atomic_folder`).
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.counts: Counter[str] = Counter()
        self.first: Fault | None = None

    def __enter__(self) -> FaultLog:
        self._stream = self.path.open("w", encoding="utf-8", newline="\n")
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def add(self, fault: Fault) -> None:
        self.first = self.first or fault
        self.counts[fault.reason] += 1
        self._stream.write(json.dumps(asdict(fault), ensure_ascii=False) + "\n")
