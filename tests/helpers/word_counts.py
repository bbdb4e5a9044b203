"""A small text and its words, counted, as a vocabulary is trained from them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

TEXT = """it was the best of times , it was the worst of times , it was the age of wisdom ,
it was the age of foolishness
it was the 21st epoch of belief - it was the epoch of incredulity , caf\u00e9 na\u00efve
the quick brown fox jumps over the lazy dog , and the five boxing wizards jump quickly ; do n't they ?"""


def write_counts(path: Path, text: str = TEXT) -> Path:
    rows = sorted(Counter(text.split()).items(), key=lambda row: (-row[1], row[0]))
    path.write_text("".join(f"{word}\t{count}\n" for word, count in rows), encoding="utf-8")
    return path
