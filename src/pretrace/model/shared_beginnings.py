"""Which beginnings of new texts are in a key-value cache already, or in those that are read before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LEAST = 8
"""Tokens of a beginning that are worth a wait for the text that has it."""


@dataclass(frozen=True)
class Piece:
    """A text to read into a slot from the token `first` on, the beginning being copied from the slot `source`."""

    number: int
    """Index among the new texts."""
    slot: int
    text: list[int]
    first: int
    source: int
    """The slot itself, if the beginning is there, or if there is none."""
    turn: int = 0
    """Texts of one turn are read together; those of a later one may have their beginnings."""
    is_last: bool = True
    """False for a part of a text that others follow."""

    def __len__(self) -> int:
        return len(self.text) - self.first

    def parts(self, most: int) -> Iterator[Piece]:
        """Yield the piece in parts of at most so many tokens, which end at multiples of that many."""
        first = self.first
        while first < len(self.text):
            end = min(len(self.text), (first // most + 1) * most)
            yield Piece(self.number, self.slot, self.text[:end], first, self.slot, self.turn, end == len(self.text))
            first = end


def reading_order(slots: Sequence[int], texts: Sequence[list[int]], cached: Sequence[list[int]]) -> list[Piece]:
    """Return the pieces to read, by turns, so that a beginning of `LEAST` tokens that texts share is read once.

    The last token of a text is always read, for the logits after it.

    Args:
        slots: of the texts; what they hold now is lost, but for the beginning that their own new text has.
        cached: the ids in each slot.
    """
    taken = set(slots)
    usable = {slot: ids for slot, ids in enumerate(cached) if slot not in taken and len(ids) >= LEAST}
    pieces: list[Piece] = []
    for number in sorted(range(len(texts)), key=lambda number: texts[number]):
        slot, text = slots[number], texts[number]
        found = [(_shared(text, ids), source, 0) for source, ids in (usable | {slot: cached[slot]}).items()]
        if earlier := _earliest(text, pieces):
            found.append((_shared(text, earlier.text), earlier.slot, earlier.turn + 1))
        first, source, turn = max(found, key=lambda one: (one[0], -one[2], one[1] == slot))
        if first < LEAST:
            first, source, turn = 0, slot, 0
        pieces.append(Piece(number, slot, text, first, source, turn))
    return sorted(pieces, key=lambda piece: piece.turn)


def _earliest(text: list[int], before: Sequence[Piece]) -> Piece | None:
    """Return the first of the texts before this one, in sorted order, that share most with it.

    In sorted order that is the text just before, and those before it that share as much.
    """
    found = None
    for piece in reversed(before):
        if found and _shared(text, piece.text) < _shared(text, found.text):
            break
        found = piece
    return found


def _shared(text: list[int], other: list[int]) -> int:
    """Return the length of the beginning that two texts share, without the last token of the first."""
    return min(common_length(text, other), len(text) - 1)


def in_batches(pieces: Sequence[Piece], most: int) -> list[list[Piece]]:
    """Return pieces in batches of at most so many tokens; long ones in parts."""
    batches: list[list[Piece]] = [[]]
    for piece in pieces:
        for part in piece.parts(most):
            if sum(map(len, batches[-1])) + len(part) > most:
                batches.append([])
            batches[-1].append(part)
    return batches


def common_length(first: Sequence[object], second: Sequence[object]) -> int:
    """Return how many ids, or characters, two texts have in common at their beginnings."""
    low, high = 0, min(len(first), len(second))
    while low < high:  # halves compared as a whole are far faster than id by id
        middle = (low + high + 1) // 2
        low, high = (middle, high) if first[low:middle] == second[low:middle] else (low, middle - 1)
    return low
