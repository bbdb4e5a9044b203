"""Format numbers, sizes and times for people."""

from __future__ import annotations


def readable_number(number: float) -> str:
    """Return 1234 as 1,234 and 2570000 as 2.57 M."""
    for limit, unit in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")):
        if number >= limit:
            return f"{number / limit:.3g} {unit}" if number < 1e18 else f"{number:.2e}"
    return f"{number:,.0f}"


def readable_bytes(number: float) -> str:
    """Return a number of bytes in decimal units: 2.5 MB."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB")):
        if number >= limit:
            return f"{number / limit:.1f} {unit}"
    return f"{number / 1e3:.0f} kB"


def readable_time(seconds: float) -> str:
    """Return a time in seconds as 1.5 s, 2 min 5 s, 3 h 20 min or 4.5 days."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{seconds / 86400:,.1f} days"
