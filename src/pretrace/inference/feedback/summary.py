"""Facts from the choices: counts, whether the side matters, and how often people agree with themselves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pretrace.common.files import write_text
from pretrace.inference.feedback.votes import Row

Z = 1.96
"""Of a 95 % interval."""


def summary_lines(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Yield a heading and a text for each fact."""
    counts: Counter[str] = Counter(row.choice for row in rows)
    yield "choices", f"{len(rows)}: " + ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in _NAMES)
    yield "pairs", f"{len(pairs(rows))} with a better answer, for a reward model"
    decided = counts["left"] + counts["right"]
    if decided:
        low, high = interval(counts["left"], decided)
        verdict = (
            "no bias to a side is seen" if low <= 0.5 <= high else "the side matters: look at how answers are shown"
        )
        yield "left side", f"{counts['left'] / decided:.2f} [{low:.2f}, {high:.2f}] of {decided}; {verdict}"
    by_id = {row.id: row for row in rows}
    twice = [(row, by_id[row.again]) for row in rows if row.again in by_id and row.choice != "skip"]
    if twice:
        same = sum(row.chosen == first.chosen for row, first in twice)
        low, high = interval(same, len(twice))
        yield (
            "agreement",
            f"{same / len(twice):.2f} [{low:.2f}, {high:.2f}] of {len(twice)} pairs that were shown twice",
        )
    wins: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.chosen is not None and row.again is None:
            better, worse = row.answers[row.chosen], row.answers[1 - row.chosen]
            wins[f"{better.model} {better.fingerprint}", f"{worse.model} {worse.fingerprint}"] += 1
    for (better_name, worse_name), number in sorted(wins.items()):
        yield "better", f"{number} x {better_name} than {worse_name}"


_NAMES = ("left", "right", "tie", "both_bad", "skip")


def interval(wins: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    share, more = wins / of, Z * Z / of
    middle, half = share + more / 2, Z * (share * (1 - share) / of + more / (4 * of)) ** 0.5
    return (middle - half) / (1 + more), (middle + half) / (1 + more)


def pairs(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Return rows of a reward model: prompt, chosen and rejected. Each pair is there once, without ties and skips."""
    return [
        {
            "prompt": [message.as_json() for message in row.prompt],
            "chosen": row.answers[row.chosen].text,
            "rejected": row.answers[1 - row.chosen].text,
        }
        for row in rows
        if row.chosen is not None and row.again is None and row.answers[0].text != row.answers[1].text
    ]


def write_pairs(path: Path, rows: Sequence[Row]) -> int:
    """Write the pairs as JSON lines; return how many."""
    found = pairs(rows)
    write_text(path, "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in found))
    return len(found)
