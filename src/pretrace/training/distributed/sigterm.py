"""SIGTERM waits for the step at hand, so that a checkpoint can be saved before the process ends."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, NoReturn


class Sigterm:
    """Context in which SIGTERM only sets a flag; a second one ends the process as it would have outside.

    Works in the main thread alone, as Python lets no other thread handle signals.
    """

    def __init__(self) -> None:
        self.received = False
        """This process got SIGTERM."""
        self.requested = False
        """Some rank got SIGTERM: all ranks know after the same step (DataParallel.all_reduce sets it)."""
        self._handler_before: Any = None

    def __enter__(self) -> Sigterm:
        if threading.current_thread() is threading.main_thread():
            self._handler_before = signal.getsignal(signal.SIGTERM)
            if self._handler_before is not signal.SIG_IGN:
                signal.signal(signal.SIGTERM, self._receive)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._restore_handler()
        if self.received and kind is None:  # it came after the last step
            signal.raise_signal(signal.SIGTERM)

    def end_process(self) -> NoReturn:
        """End the process as SIGTERM would have outside of the context."""
        self._restore_handler()
        signal.raise_signal(signal.SIGTERM)
        raise SystemExit(128 + signal.SIGTERM)  # where the signal is ignored

    def _restore_handler(self) -> None:
        if self._handler_before is not None:
            signal.signal(signal.SIGTERM, self._handler_before)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            self.end_process()
        self.received = True
