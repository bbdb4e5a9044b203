"""A vocabulary in the format of OpenAI's release, learned by the plainest code from a small text."""

from __future__ import annotations

import json
import string
from collections import Counter
from itertools import pairwise
from pathlib import Path

from pretrace.corpus import clean_text

RELEASED = ("encoder_bpe_40000.json", "vocab_40000.bpe")
TEXT = """It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness.
"Mr. Smith," said the caf\u00e9's owner, "we don't know where you've been; the 21st of Jan. was long ago!" -- and then
the quick brown fox jumped over the lazy dog (who'd not seen it coming), while the winter of despair went on and on...
There were a king with a large jaw and a queen with a plain face, on the throne of England; there were others, too."""
CHARACTERS = string.ascii_lowercase + string.digits + ".,;:!?'\"-()/#$%&*+<=>@[]_{|}~^`\u00e9\u03c3\u03c2"


def write_openai_vocabulary(folder: Path, names: tuple[str, str] = RELEASED, merges: int = 200) -> Path:
    """Write the two files, with ids in OpenAI's order: unknown, characters, the same as ends, merges, the line end."""
    words = Counter(clean_text(TEXT).split())
    parts = {word: [*word[:-1], word[-1] + "</w>"] for word in words}
    learned: list[tuple[str, str]] = []
    for _ in range(merges):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in pairwise(parts[word]):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        learned.append(best)
        for word in words:
            parts[word] = merged(parts[word], best)
    tokens = ["<unk>", *CHARACTERS, *(letter + "</w>" for letter in CHARACTERS)]
    tokens += [first + second for first, second in learned] + ["\n</w>"]
    assert len(set(tokens)) == len(tokens)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(json.dumps({token: number for number, token in enumerate(tokens)}), encoding="utf-8")
    lines = ["#version: 0.2", *(f"{first} {second}" for first, second in learned), ""]
    (folder / names[1]).write_text("\n".join(lines), encoding="utf-8")
    return folder


def merged(parts: list[str], pair: tuple[str, str]) -> list[str]:
    """Return the parts of a word with each occurrence of a pair merged."""
    result: list[str] = []
    for part in parts:
        if result and (result[-1], part) == pair:
            result[-1] += part
        else:
            result.append(part)
    return result
