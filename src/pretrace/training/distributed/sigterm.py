"""SIGTERM waits for the update at hand, so that what was trained can be kept before the process ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any


class Stopping:
    """While this context is open, SIGTERM calls `note`; a second one ends the process as it would have before.

    Only in the main thread, as Python allows no other to handle signals.
    """

    def __init__(self, note: Callable[[], None]) -> None:
        self.note, self.noted = note, False
        self.before: Any = None

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            self.before = signal.getsignal(signal.SIGTERM)
            if self.before is not signal.SIG_IGN:
                signal.signal(signal.SIGTERM, self._take)
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        self._give_back()
        if self.noted and kind is None:  # it came after the last look at it
            signal.raise_signal(signal.SIGTERM)

    def now(self) -> None:
        """End the process as SIGTERM would have."""
        self._give_back()
        signal.raise_signal(signal.SIGTERM)
        raise SystemExit(128 + signal.SIGTERM)  # where the signal is not heard

    def _give_back(self) -> None:
        if self.before is not None:
            signal.signal(signal.SIGTERM, self.before)

    def _take(self, number: int, frame: Any) -> None:
        if self.noted:
            self.now()
        self.noted = True
        self.note()
