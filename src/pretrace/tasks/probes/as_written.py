"""The rows of probes as they were written: raw text from which GPT-1's recipe makes exactly the words that were drawn.

A passage is the raw text from its first word to its last one, on one line. Where words were changed or masked, the raw
words stand in the new order, with the spaces of the passage as it was. A part of which the recipe makes other words
stays as the words that it is, and so do the other rows of its group: nothing else than the label tells them apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from pretrace.corpus.text.recipe import Recipe
from pretrace.schemas.tasks import RawParts
from pretrace.tasks.probes.texts import Text, Word
from pretrace.tasks.rows.dataset import Row, one_line


class Drawn(NamedTuple):
    """The words of a row's part, and the place of the words that they stand for."""

    words: Sequence[str]
    text: Text
    start: int
    """The first word's number in the document."""


@dataclass(frozen=True)
class DrawnRow(Row):
    """A row of a probe, with what it was made of."""

    drawn: tuple[Drawn, ...] = ()
    group: int | None = None
    """Rows of one number are as written together, or not at all; None: each by itself."""


def row_of(drawn: Sequence[Drawn], label: float, group: int | None = None) -> DrawnRow:
    """Return a row with these parts; it is from the document of the first."""
    parts = tuple(" ".join(part.words) for part in drawn)
    return DrawnRow(parts, label, drawn[0].text.id, drawn=tuple(drawn), group=group)


def with_raw_text(splits: dict[str, list[Row]], recipe: Recipe) -> tuple[dict[str, list[Row]], RawParts]:
    """Return rows of a probe with their raw text, and how many parts are as written."""
    as_written = prepared = 0
    done: dict[str, list[Row]] = {}
    for split, rows in splits.items():
        texts = [tuple(_accepted(part, drawn, recipe) for part, drawn in _parts(row)) for row in rows]
        texts = _alike_in_groups(rows, texts, recipe)
        as_written += sum(text is not None for row in texts for text in row)
        prepared += sum(text is None for row in texts for text in row)
        done[split] = [_with_raw(row, found) for row, found in zip(rows, texts, strict=True)]
    return done, RawParts(as_written=as_written, prepared=prepared)


def _with_raw(row: Row, texts: tuple[str | None, ...]) -> Row:
    raw = tuple(text or part for part, text in zip(row.parts, texts, strict=True))
    return Row(row.parts, row.label, row.origin, raw)


def _parts(row: Row) -> list[tuple[str, Drawn]]:
    assert isinstance(row, DrawnRow)
    return list(zip(row.parts, row.drawn, strict=True))


def _accepted(part: str, drawn: Drawn, recipe: Recipe) -> str | None:
    """Return a part as written; None if that is not known, or would be other words."""
    text = written(drawn)
    return text if text and one_line(recipe(text)) == part else None


def _alike_in_groups(
    rows: list[Row], texts: list[tuple[str | None, ...]], recipe: Recipe
) -> list[tuple[str | None, ...]]:
    """Return the texts without those of groups in which one is missing, if the recipe leaves the words as they are."""
    groups: dict[int, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if isinstance(row, DrawnRow) and row.group is not None:
            groups[row.group].append(number)
    alike = list(texts)
    for members in groups.values():
        if any(None in texts[number] for number in members):
            parts = [part for number in members for part in rows[number].parts]
            if all(one_line(recipe(part)) == part for part in parts):
                for number in members:
                    alike[number] = (None,) * len(texts[number])
    return alike


def written(drawn: Drawn) -> str | None:
    """Return a part as it was written, on one line; None if a word is not found in the raw text."""
    spans = drawn.text.spans
    places = [spans.of(drawn.start + at) for at in range(len(drawn.words))]
    shown: list[str] = []
    for word, own, place in zip(drawn.words, drawn.text.words[drawn.start :], places, strict=False):
        if place is None:
            return None
        if isinstance(word, Word):
            found = word.text.spans.of(word.place)
            if found is None:
                return None
            shown.append(word.text.spans.raw[slice(*found)])
        else:
            shown.append(spans.raw[slice(*place)] if word == own else word)  # else it is masked
    between = [" " if spans.raw[left[1] : right[0]] else "" for left, right in pairwise(filter(None, places))]
    return one_line("".join([text for pair in zip(["", *between], shown, strict=True) for text in pair]))
