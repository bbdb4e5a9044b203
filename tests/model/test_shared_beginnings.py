"""Every beginning that is copied is there when it is copied, and is the text's own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pretrace.model.shared_beginnings import LEAST, Piece, common_length, in_batches, reading_order

IDS = st.lists(st.integers(0, 1), min_size=1, max_size=40)
"""Two ids, so that beginnings are shared."""


@given(st.lists(IDS, min_size=1, max_size=6), st.lists(st.lists(st.integers(0, 1), max_size=40), max_size=4), st.data())
def test_beginnings_are_there_before_they_are_copied(
    texts: list[list[int]], cached: list[list[int]], data: st.DataObject
) -> None:
    cached += [[] for _ in texts]
    slots = data.draw(st.permutations(range(len(cached))))[: len(texts)]
    pieces = reading_order(slots, texts, cached)
    assert sorted(piece.number for piece in pieces) == list(range(len(texts)))
    turns = {piece.slot: (piece.turn, piece.text) for piece in pieces}
    assert [piece.turn for piece in pieces] == sorted(piece.turn for piece in pieces)
    for piece in pieces:
        assert (piece.slot, piece.text) == (slots[piece.number], texts[piece.number])
        assert piece.first < len(piece.text) and (piece.first == 0 or piece.first >= LEAST)
        own = piece.source == piece.slot
        turn, source = (0, cached[piece.source]) if own else turns.get(piece.source, (-1, cached[piece.source]))
        assert source[: piece.first] == piece.text[: piece.first]
        assert own or turn < piece.turn or turn == -1


def test_a_beginning_waits_for_the_text_that_has_it() -> None:
    shared = list(range(LEAST))
    first, second, other = [*shared, 7], [*shared, 8, 8], [9] * 20
    found = reading_order([0, 1, 2], [second, other, first], [[], [], []])
    assert found == [Piece(2, 2, first, 0, 2), Piece(1, 1, other, 0, 1), Piece(0, 0, second, LEAST, 2, turn=1)]
    assert reading_order([0], [second], [[], shared])[0] == Piece(0, 0, second, LEAST, 1)
    assert reading_order([0], [second[1:]], [[], shared])[0] == Piece(0, 0, second[1:], 0, 0)


@given(st.lists(st.tuples(IDS, st.integers(0, 39)), min_size=1, max_size=5), st.integers(1, 16))
def test_batches_have_every_token_once_in_order(texts: list[tuple[list[int], int]], most: int) -> None:
    pieces = [Piece(n, n, ids, min(first, len(ids) - 1), n) for n, (ids, first) in enumerate(texts)]
    batches = in_batches(pieces, most)
    assert all(sum(map(len, batch)) <= most for batch in batches)
    places = [
        (part.number, place) for batch in batches for part in batch for place in range(part.first, len(part.text))
    ]
    assert places == [(piece.number, place) for piece in pieces for place in range(piece.first, len(piece.text))]
    ends = [(part.number, len(part.text)) for batch in batches for part in batch if part.is_last]
    assert ends == [(piece.number, len(piece.text)) for piece in pieces]


@given(IDS, IDS)
def test_common_length_is_that_of_the_beginnings(first: list[int], second: list[int]) -> None:
    length = common_length(first, second)
    assert first[:length] == second[:length]
    assert first[length : length + 1] != second[length : length + 1] or length == len(first) == len(second)
