"""The file of choices: a row for each, appended and on the disk before anybody is thanked."""

from __future__ import annotations

import fcntl
import json
import os
import random
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from pretrace.common.errors import PretraceError
from pretrace.common.files import readable_disk_errors, write_text
from pretrace.common.open_file import open_file
from pretrace.common.validation import readable_error
from pretrace.schemas.record import Record

FILE = Path("feedback/votes.jsonl")
MOST_BYTES = 1 << 30
Choice = Literal["left", "right", "tie", "both_bad", "skip"]
Text = Annotated[str, Field(max_length=200_000)]
Name = Annotated[str, Field(max_length=500)]


class Message(Record):
    """A message of the conversation before the answers."""

    role: Literal["system", "user", "assistant"]
    content: Text


class Answer(Record):
    """One of the two answers."""

    text: Text
    model: Name
    fingerprint: Name
    """Hash of the weights, the vocabulary and the code."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)]


class Vote(Record):
    """A choice as it comes from the page. No clock and no person are in it."""

    prompt: Annotated[list[Message], Field(min_length=1, max_length=500)]
    answers: Annotated[list[Answer], Field(min_length=2, max_length=2)]
    left: Annotated[int, Field(ge=0, le=1)]
    """Index of the answer that was shown on the left, which is drawn."""
    choice: Choice
    again: Name | None = None
    """Id of an earlier row whose answers were shown once more with sides exchanged."""

    @property
    def chosen(self) -> int | None:
        """Index of the better answer; None: neither."""
        return {"left": self.left, "right": 1 - self.left}.get(self.choice)


class Row(Vote):
    """A row of the file."""

    id: Name
    """Drawn, so that a row can be named when others have gone."""


def append(path: Path, vote: Vote) -> Row:
    """Append a choice, and return the row when it is on the disk.

    A half row at the end, of a process that was killed, is cut off first: nobody was thanked for it.

    Raises:
        PretraceError: it could not be written, and the file is as it was.
    """
    row = Row(**vote.model_dump(), id=secrets.token_hex(8))
    line = json.dumps(row.as_json(), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with readable_disk_errors(path), open(path, "ab+", buffering=0) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        size = _whole(stream.fileno())
        os.ftruncate(stream.fileno(), size)
        try:
            written = 0
            while written < len(line):
                written += os.write(stream.fileno(), line[written:])
            os.fsync(stream.fileno())
        except OSError:
            os.ftruncate(stream.fileno(), size)
            raise
    return row


def _whole(descriptor: int) -> int:
    """Return the bytes of a file up to its last line end."""
    end = os.fstat(descriptor).st_size
    while end:
        first = max(0, end - 65536)
        found = os.pread(descriptor, end - first, first).rfind(b"\n")
        if found >= 0:
            return first + found + 1
        end = first
    return 0


def read(path: Path) -> Iterator[Row]:
    """Yield the whole rows of a file.

    Raises:
        PretraceError: there is none, or a row has another form; the text names file and row.
    """
    with open_file(path, MOST_BYTES, "there are no choices yet: `pretrace serve`, then side by side") as stream:
        for number, line in enumerate(stream, 1):
            if not line.endswith(b"\n"):
                return  # of a process that was killed, or that is writing it
            try:
                yield Row.model_validate_json(line)
            except ValidationError as error:
                raise readable_error(error, f"{path}: row {number}", "", "is not known", "is missing") from None


def remove(path: Path, ids: Collection[str]) -> int:
    """Take rows out, and those that asked for them again; return how many. The file is replaced as a whole.

    Raises:
        PretraceError: there is no row of such an id.
    """
    rows = list(read(path))
    if unknown := set(ids) - {row.id for row in rows}:
        raise PretraceError(f"{path}: has no row {sorted(unknown)[0]}; `pretrace feedback --list` shows their ids")
    kept = [row for row in rows if row.id not in ids and row.again not in ids]
    write_text(
        path, "".join(json.dumps(row.as_json(), ensure_ascii=False, separators=(",", ":")) + "\n" for row in kept)
    )
    return len(rows) - len(kept)


def to_ask_again(path: Path) -> Row | None:
    """Return a drawn row that was not asked again yet, with its sides exchanged; None: there is none."""
    if not path.exists():
        return None
    rows = list(read(path))
    asked = {row.again for row in rows}
    open_rows = [row for row in rows if row.chosen is not None and row.again is None and row.id not in asked]
    if not open_rows:
        return None
    row = random.SystemRandom().choice(open_rows)
    return row.model_copy(update={"left": 1 - row.left})
