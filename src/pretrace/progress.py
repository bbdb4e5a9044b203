"""Progress that can be read on a terminal and in a log.

On a terminal this is a tqdm bar; in a pipe or a file, where a bar would be one endless line, it is a plain line every
ten seconds. Progress goes to standard error and nothing else depends on it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

SECONDS_BETWEEN_LINES = 10.0

T = TypeVar("T")


def progress(
    iterable: Iterable[T] | None = None, total: float | None = None, unit: str = "", description: str = ""
) -> Any:
    """Show how far a loop is: iterate over the result, or use it as a context and call `.update(amount)`.

    `total` and the amounts are in `unit`; without a total (and an iterable without a length) only the count is shown.
    """
    if total is None and hasattr(iterable, "__len__"):
        total = len(iterable)
    if sys.stderr.isatty():
        from tqdm import tqdm

        return tqdm(iterable, total=total, unit=unit or "it", desc=description or None, unit_scale=True, leave=False)
    return PlainProgress(iterable, total, unit, description)


class PlainProgress:
    """The part of tqdm's interface that is used here, as plain lines."""

    def __init__(self, iterable: Iterable[Any] | None, total: float | None, unit: str, description: str) -> None:
        self.iterable, self.total, self.unit, self.description = iterable, total, unit, description
        self.n: float = 0
        self.postfix = ""
        self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES

    def __iter__(self) -> Iterator[Any]:
        for item in self.iterable or ():
            yield item
            self.update(1)

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update(self, amount: float = 1) -> None:
        self.n += amount
        now = time.monotonic()
        if now >= self._next_line:
            self._next_line = now + SECONDS_BETWEEN_LINES
            print(self._line(), file=sys.stderr, flush=True)

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        self.postfix = text

    def close(self) -> None:
        """Nothing is held open; here so that a bar and plain lines are used alike."""

    def _line(self) -> str:
        share = f"/{self.total:,.0f}" if self.total else ""
        percent = f" ({100 * self.n / self.total:.0f} %)" if self.total else ""
        parts = [f"{self.description}: " if self.description else "", f"{self.n:,.0f}{share}"]
        parts += [f" {self.unit}" if self.unit else "", percent, f"  {self.postfix}" if self.postfix else ""]
        return "".join(parts)
