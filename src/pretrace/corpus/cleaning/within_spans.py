"""Progress inside of spans and of long documents: a worker notes how far it is, and the first process adds it up.

A note is a small file that holds a number of bytes; it may be read late or not at all, so no result depends on it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SECONDS_BETWEEN_NOTES = 1.0


class SpanNotes:
    """A worker's note of the bytes of a span that it has cleaned; a context."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done = 0
        self._next = time.monotonic() + SECONDS_BETWEEN_NOTES

    def __enter__(self) -> SpanNotes:
        global _current
        _current = self
        return self

    def __exit__(self, *_: object) -> None:
        global _current
        _current = None
        with contextlib.suppress(OSError):
            self._path.unlink()

    def add(self, size: int) -> None:
        """Count a document that is done."""
        self._done += size
        self.within(0)

    def within(self, size: int) -> None:
        """Note that so many bytes of the next document are done."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + SECONDS_BETWEEN_NOTES
            with contextlib.suppress(OSError):
                self._path.write_text(str(self._done + size))


_current: SpanNotes | None = None


def note_within(size: int) -> None:
    """Note how many bytes of the document that this worker cleans are done."""
    if _current:
        _current.within(size)


class SpanProgress:
    """Adds documents, and what is noted of those that are not done, to a bar; each byte once."""

    def __init__(self, folder: Path, bar: Any) -> None:
        self._folder, self._bar = folder, bar
        self._ahead = 0
        """Bytes shown of documents that have not come."""
        self._lock = threading.Lock()

    def came(self, size: int) -> None:
        """Add documents that have come, of so many bytes."""
        with self._lock:
            shown = min(size, self._ahead)
            self._ahead -= shown
            self._bar.update(size - shown)

    def look(self) -> None:
        """Add what is noted by now."""
        noted = sum(map(_number, self._folder.glob("*.note")))
        with self._lock:
            more = max(0, noted - self._ahead)
            self._ahead += more
            self._bar.update(more)

    @contextlib.contextmanager
    def looking(self) -> Iterator[SpanProgress]:
        """Look at the notes again and again, until the context ends."""
        ended = threading.Event()

        def look_until_the_end() -> None:
            while not ended.wait(SECONDS_BETWEEN_NOTES):
                self.look()

        thread = threading.Thread(target=look_until_the_end, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # removed, or not written to its end
        return 0
