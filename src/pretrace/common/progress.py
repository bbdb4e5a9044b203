"""Progress for terminals and logs.

On a terminal this is a tqdm bar; in a pipe or file, where a bar would become one endless line, it is a plain line every
ten seconds. Progress goes to standard error, and nothing depends on it.

The time left follows from the speed since the first update: before that, models and rules are loaded, and with those
seconds in the mean a first estimate would be hours where it is seconds.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any, TypeVar

SECONDS_BETWEEN_LINES = 10.0
STEADY_SECONDS = 1.0
"""Least time since the first update that says how fast the loop is."""
LARGE_SHARE = 0.05
"""Of the work: with so much done, the time from the start says it, too, as where there are few and long steps."""

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

        pace = Pace(initial, total)

        class Bar(tqdm):
            @property
            def format_dict(self) -> dict[str, Any]:
                return super().format_dict | {"rate": pace.speed(self.n)}  # 0: tqdm shows "?"

            def __iter__(self) -> Iterator[Any]:
                for item in self.iterable:
                    yield item
                    self.update(1)
                self.close()

            def update(self, n: float | None = 1) -> bool | None:
                pace.update(self.n + (n or 0))
                return super().update(n)

        names = {"unit": unit or "it", "desc": description or None}
        return Bar(iterable, total=total, initial=initial, unit_scale=True, leave=False, **names)
    return PlainProgress(iterable, total, unit, description, initial, on)


class Pace:
    """The speed of a loop, without what came before its first update."""

    def __init__(self, initial: float, total: float | None) -> None:
        self.initial, self.total = initial, total
        self._started = time.monotonic()
        self._first: tuple[float, float] | None = None
        """Time and amount of the first update."""

    def update(self, amount: float) -> None:
        """Take note of the amount that is done by now."""
        self._first = self._first or (time.monotonic(), amount)

    def speed(self, amount: float) -> float:
        """Return the amount per second; 0 if that cannot be said yet."""
        now = time.monotonic()
        if self._first and now - self._first[0] >= STEADY_SECONDS and amount > self._first[1]:
            return (amount - self._first[1]) / (now - self._first[0])
        if now > self._started and self.total and amount - self.initial >= LARGE_SHARE * self.total:
            return (amount - self.initial) / (now - self._started)
        return 0.0


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
        self._pace = Pace(initial, total)
        self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES if on else math.inf

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
        self._pace.update(self.n)
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
        """Return the remaining seconds; None without a total, or as long as the speed is not known."""
        speed = self._pace.speed(self.n)
        return (self.total - self.n) / speed if self.total and speed else None


def duration(seconds: float) -> str:
    """Return a time as hours, minutes and seconds: 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
