"""Tables in Markdown, and numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """Return a table; the last `numbers` columns are aligned to the right."""
    marks = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, marks, *rows])


def number(value: float) -> str:
    """Return a number with three digits: 1,132, 0.0005, 9.4 million, 1 trillion."""
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{value / size:.3g} {name}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def gigabytes(value: float) -> str:
    """Return bytes in GB."""
    return f"{value / 1e9:,.0f} GB" if value >= 1e9 else f"{value / 1e9:.1f} GB"


def dollars(value: float) -> str:
    """Return a price in whole dollars, of thousands only three digits."""
    return f"{round(value, -2):,.0f}" if value >= 10_000 else f"{value:,.0f}"
