"""Input formats: never too long, never without a special token, parts in the paper's order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.tasks.rows.input_formats import SPECIAL_TOKENS, InputFormat, is_truncated
from pretrace.tasks.rows.kinds import KINDS

SIZE = 100
START, DELIMITER, CLASSIFY = range(SIZE, SIZE + SPECIAL_TOKENS)


@st.composite
def examples(draw: st.DrawFn) -> tuple[str, list[np.ndarray], int]:
    kind = draw(st.sampled_from(list(KINDS)))
    count = {"classification": 1, "multiple_choice": draw(st.integers(3, 6))}.get(kind, 2)
    lengths = draw(st.lists(st.integers(0, 60), min_size=count, max_size=count))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    parts = [random.integers(0, SIZE, length).astype(np.uint16) for length in lengths]
    return kind, parts, draw(st.integers(8, 64))


@given(examples())
def test_sequences_fit_and_keep_their_special_tokens(example: tuple[str, list[np.ndarray], int]) -> None:
    kind, parts, context = example
    form = InputFormat.delimiters(SIZE, context)
    sequences = KINDS[kind].sequences(parts, form)
    assert len(sequences) == KINDS[kind].sequences_per_example(len(parts), form)
    if kind == "classification":
        pairs: list[tuple] = [(parts[0],)]
    elif kind == "multiple_choice":
        pairs = [(parts[0], choice) for choice in parts[1:]]
    else:
        pairs = [tuple(parts), tuple(parts[::-1])][: len(sequences)]
    for sequence, pair in zip(sequences, pairs, strict=True):
        assert sequence.dtype == np.int64
        specials = [START, CLASSIFY] if len(pair) == 1 else [START, DELIMITER, CLASSIFY]
        assert [int(token) for token in sequence if token >= SIZE] == specials
        assert (sequence[0], sequence[-1]) == (START, CLASSIFY)
        wanted = sum(map(len, pair)) + len(specials)
        assert len(sequence) == min(wanted, context)  # what fits is whole, what does not fills the room
        cut = np.flatnonzero(sequence >= SIZE)
        for part, first, last in zip(pair, cut, cut[1:], strict=False):
            kept = sequence[first + 1 : last]
            assert kept.tolist() == part[: len(kept)].tolist()  # only the end of a text is lost
            assert len(kept) >= min(len(part), (context - len(specials)) // len(pair))


@given(examples())
def test_is_truncated_where_a_sequence_is_shorter_than_its_parts(
    example: tuple[str, list[np.ndarray], int],
) -> None:
    kind, parts, context = example
    lengths = np.array([[len(part) for part in parts]])
    whole, here = (KINDS[kind].sequences(parts, InputFormat.delimiters(SIZE, room)) for room in (1000, context))
    expected = any(len(a) < len(b) for a, b in zip(here, whole, strict=True))
    assert is_truncated(lengths, context).tolist() == [expected]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(8, 64))
def test_orders_of_a_pair_keep_the_same_of_the_shorter_part(a: int, b: int, context: int) -> None:
    first, second = np.zeros(a, int), np.ones(b, int)
    forward, backward = KINDS["similarity"].sequences((first, second), InputFormat.delimiters(SIZE, context))
    swapped = KINDS["similarity"].sequences((second, first), InputFormat.delimiters(SIZE, context))
    assert forward.tolist() == swapped[1].tolist()
    assert backward.tolist() == swapped[0].tolist()
    assert abs(int((forward == 0).sum()) - int((backward == 0).sum())) <= 1


@pytest.mark.parametrize(
    ("kind", "parts", "expected"),
    [
        ("classification", [[1, 2]], [[START, 1, 2, CLASSIFY]]),
        ("entailment", [[1, 2], [3]], [[START, 1, 2, DELIMITER, 3, CLASSIFY]]),
        ("similarity", [[1], [3]], [[START, 1, DELIMITER, 3, CLASSIFY], [START, 3, DELIMITER, 1, CLASSIFY]]),
        ("regression", [[1], [3]], [[START, 1, DELIMITER, 3, CLASSIFY], [START, 3, DELIMITER, 1, CLASSIFY]]),
        ("multiple_choice", [[1], [3], [4]], [[START, 1, DELIMITER, 3, CLASSIFY], [START, 1, DELIMITER, 4, CLASSIFY]]),
        ("classification", [list(range(20))], [[START, 0, 1, 2, 3, 4, 5, CLASSIFY]]),
        ("entailment", [list(range(20)), [50]], [[START, 0, 1, 2, 3, DELIMITER, 50, CLASSIFY]]),
        ("entailment", [[50], list(range(20))], [[START, 50, DELIMITER, 0, 1, 2, 3, CLASSIFY]]),
        ("entailment", [list(range(20)), list(range(50, 70))], [[START, 0, 1, DELIMITER, 50, 51, 52, CLASSIFY]]),
        ("classification", [[]], [[START, CLASSIFY]]),
    ],
)
def test_sequences_are_those_of_the_paper(kind: str, parts: list[list[int]], expected: list[list[int]]) -> None:
    found = KINDS[kind].sequences([np.array(part, np.uint16) for part in parts], InputFormat.delimiters(SIZE, 8))
    assert [sequence.tolist() for sequence in found] == expected


CLS, SEP = 3, 4
BERT = InputFormat.segments(CLS, SEP, context=8, reads_first=True)


@pytest.mark.parametrize(
    ("kind", "parts", "expected", "segments"),
    [
        ("classification", [[7, 8]], [[CLS, 7, 8, SEP]], [[0, 0, 0, 0]]),
        ("classification", [list(range(10, 30))], [[CLS, *range(10, 16), SEP]], [[0] * 8]),
        ("entailment", [[7], [8, 9]], [[CLS, 7, SEP, 8, 9, SEP]], [[0, 0, 0, 1, 1, 1]]),
        ("entailment", [[], [9]], [[CLS, SEP, 9, SEP]], [[0, 0, 1, 1]]),
        ("similarity", [[7], [8]], [[CLS, 7, SEP, 8, SEP]], [[0, 0, 0, 1, 1]]),
        ("regression", [[7] * 9, [8]], [[CLS, 7, 7, 7, 7, SEP, 8, SEP]], [[0, 0, 0, 0, 0, 0, 1, 1]]),
        ("multiple_choice", [[7], [8], [9]], [[CLS, 7, SEP, 8, SEP], [CLS, 7, SEP, 9, SEP]], [[0, 0, 0, 1, 1]] * 2),
    ],
)
def test_sequences_with_segments_are_those_of_bert(
    kind: str, parts: list[list[int]], expected: list[list[int]], segments: list[list[int]]
) -> None:
    found = KINDS[kind].sequences([np.array(part, np.uint16) for part in parts], BERT)
    assert [sequence.tolist() for sequence in found] == expected
    assert [BERT.segments_of(sequence).tolist() for sequence in found] == segments
    assert KINDS[kind].sequences_per_example(len(parts), BERT) == len(expected)
