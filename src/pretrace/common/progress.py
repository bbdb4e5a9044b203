"""Progress for terminals and logs.

On a terminal this is a tqdm bar; in a pipe or file, where a bar would become one endless line, it is a plain line every
ten seconds. Progress goes to standard error, and nothing depends on it.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any, TypeVar

SECONDS_BETWEEN_LINES = 10.0

T = TypeVar("T")


def progress(
    iterable: Iterable[T] | None = None,
    total: float | None = None,
    unit: str = "",
    description: str = "",
    initial: float = 0,
    on: bool = True,
) -> Any:
    """Show the progress of a loop: iterate over the result, or use it as a context and call `.update(amount)`.

    Args:
        total: amount of all the work, in `unit`; without it (or an iterable with a length) only a count is shown.
        initial: amount done before.
        on: false shows nothing.
    """
    if total is None and isinstance(iterable, Sized):
        total = len(iterable)
    if sys.stderr.isatty() and on:
        from tqdm import tqdm

        names = {"unit": unit or "it", "desc": description or None}
        return tqdm(iterable, total=total, initial=initial, unit_scale=True, leave=False, **names)
    return PlainProgress(iterable, total, unit, description, initial, on)


class PlainProgress:
    """The part of tqdm's interface that is used here, printed as plain lines."""

    def __init__(
        self,
        iterable: Iterable[Any] | None,
        total: float | None,
        unit: str,
        description: str,
        initial: float = 0,
        on: bool = True,
    ) -> None:
        self.iterable, self.total, self.unit, self.description = iterable, total, unit, description
        self.n = self.initial = initial
        self.postfix = ""
        self._started = time.monotonic()
        self._next_line = self._started + SECONDS_BETWEEN_LINES if on else math.inf

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
        """Do nothing; present so that bars and plain lines are used alike."""

    def _line(self) -> str:
        share = f"/{self.total:,.0f}" if self.total else ""
        percent = f" ({100 * self.n / self.total:.0f} %)" if self.total else ""
        parts = [f"{self.description}: " if self.description else "", f"{self.n:,.0f}{share}"]
        left = self._seconds_left()
        parts += [f" {self.unit}" if self.unit else "", percent, f", {duration(left)} left" if left else ""]
        return "".join([*parts, f"  {self.postfix}" if self.postfix else ""])

    def _seconds_left(self) -> float | None:
        """Return the remaining seconds at the mean speed; None without a total or before the first update."""
        if not self.total or self.n <= self.initial:
            return None
        return (self.total - self.n) / (self.n - self.initial) * (time.monotonic() - self._started)


def duration(seconds: float) -> str:
    """Return a time as hours, minutes and seconds: 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
