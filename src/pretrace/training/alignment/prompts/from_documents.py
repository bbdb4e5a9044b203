"""Prompts without labels: beginnings of passages of documents that no model was trained on.

The text that follows in the document is the demonstration. Documents, not passages, are divided into those for training
and those that only measure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pretrace.common.errors import PretraceError
from pretrace.corpus.documents import Document, read_documents
from pretrace.settings.alignment.data import Prompts
from pretrace.tokens.vocabulary import Vocabulary

MOST_OF_A_DOCUMENT = 8
"""Passages of a document: a long one does not decide alone."""
CHARACTERS = 5000
"""Of a document that are read."""


class Passage(NamedTuple):
    """A prompt and what follows it."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    """Demonstration."""
    group: str
    """Document, or opening question."""


def divided(
    passages: dict[str, list[Passage]], settings: Prompts, seed: int, where: str
) -> tuple[list[Passage], list[Passage]]:
    """Return passages for training and for measuring, in an order drawn by the seed, each at most as many as set.

    Args:
        passages: by group, of which no two parts share one.
        where: named in errors.

    Raises:
        PretraceError: one of the two has none.
    """
    order = sorted(passages, key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).digest())
    held_out = max(1, round(settings.test_share * len(order)))
    test = _first(passages, order[:held_out], settings.test)
    train = _first(passages, order[held_out:], settings.train)
    if not train or not test:
        raise PretraceError(
            f"{where}: {len(order)} documents or questions make {len(train)} training prompts and {len(test)} test "
            "prompts; both are needed. Give more text, or change prompts.test_share"
        )
    return train, test


def _first(passages: dict[str, list[Passage]], groups: Sequence[str], most: int) -> list[Passage]:
    """Return the first passage of each group, then the second of each, and so on."""
    deepest = max((len(passages[name]) for name in groups), default=0)
    found = [passages[name][at] for at in range(deepest) for name in groups if at < len(passages[name])]
    return found[:most]


def passages_of(folder: Path, vocabulary: Vocabulary, settings: Prompts) -> dict[str, list[Passage]]:
    """Return the passages of documents, by document.

    Args:
        folder: of documents, such as data/clean/probes.

    Raises:
        PretraceError: there are no documents.
    """
    length = settings.tokens + settings.answer_tokens
    share = settings.test_share
    enough = max(settings.train / (1 - share), settings.test / max(share, 0.01))
    found: dict[str, list[Passage]] = {}
    count = 0
    for document in sorted(read_documents(folder), key=lambda one: hashlib.sha256(_name(one).encode()).digest()):
        ids = vocabulary.encode(document.text[:CHARACTERS])[:-1]  # the last word may be cut
        starts = range(0, len(ids) - length + 1, max(settings.every, length))
        parts = [ids[start : start + length] for start in list(starts)[:MOST_OF_A_DOCUMENT]]
        name = _name(document)
        if parts:
            found[name] = [Passage(tuple(p[: settings.tokens]), tuple(p[settings.tokens :]), name) for p in parts]
        count += len(parts)
        if count >= enough:  # the tokenizer of words is slow
            break
    return found


def _name(document: Document) -> str:
    """Return a name that no other document has."""
    return f"{document.source}\t{document.id}"
