"""Small vocabularies of GPT-2's and of BERT's form, with known tokens."""

from __future__ import annotations

import json
from pathlib import Path

from pretrace.tokens.byte_bpe import END_OF_TEXT, FILES, characters_of_bytes

SPACE = "\u0120"
MERGES = [
    ("t", "h"),
    ("th", "e"),
    (SPACE, "the"),
    (SPACE, "a"),
    ("a", "b"),
    ("ab", "c"),
    ("'", "s"),
    ("\u00c3", "\u00a9"),
]
PIECES = [
    "the",
    "dog",
    "##s",
    "a",
    "##b",
    "b",
    "caf",
    "##e",
    "cafe",
    ".",
    "!",
    "'",
    "s",
    "[",
    "]",
    "mask",
    "\u4e2d",
    "i",
]
BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def write_byte_vocabulary(folder: Path, names: tuple[str, str] = FILES) -> Path:
    """GPT-2's order: bytes, merges, the end of a text."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = [*sorted(characters_of_bytes()), *(first + second for first, second in MERGES), END_OF_TEXT]
    (folder / names[0]).write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    lines = ["#version: 0.2", *(f"{first} {second}" for first, second in MERGES), ""]
    (folder / names[1]).write_text("\n".join(lines), encoding="utf-8")
    return folder


def write_wordpiece(folder: Path, pieces: list[str] = PIECES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in [*BERT_SPECIALS, *pieces]), encoding="utf-8")
    return folder
