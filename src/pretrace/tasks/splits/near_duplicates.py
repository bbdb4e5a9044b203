"""Dev and test rows that are nearly the same as a training row: counted, with the numbers of a few rows.

Rows are nearly the same if each of their parts is: if the sets of pairs of successive words have a Jaccard similarity
of at least 0.6 (ours), as those of ten words of which one at an end is another. Candidates are found by MinHash on all
parts together, as near-duplicates of the corpus are. Equal rows are not counted here, but as overlap.
"""

from __future__ import annotations

import numpy as np

from pretrace.corpus.filters.minhash import band_rows, buckets, shingles, signatures, similarity
from pretrace.schemas.tasks import NearDuplicates
from pretrace.tasks.rows.dataset import Row
from pretrace.tasks.rows.draws import generator_for
from pretrace.tasks.rows.kinds import KINDS, TaskKind
from pretrace.tasks.splits.shared_parts import words_of

SIMILARITY = 0.6
SHINGLE_WORDS = 2
MOST_ROWS = {"train": 20_000, "dev": 2_000, "test": 2_000}
"""Rows that are compared, drawn where there are more: some six seconds."""
MOST_CANDIDATES = 100
"""Training rows that a row is compared with: in rows made from one template, all are candidates of all."""
EXAMPLES = 3


def near_duplicates(name: str, kind_name: str, splits: dict[str, list[Row]]) -> dict[str, NearDuplicates]:
    """Return, for dev and for test, the rows that are nearly the same as a training row."""
    kind = KINDS[kind_name]
    drawn = {split: _drawn(name, split, splits[split]) for split in MOST_ROWS}
    parts = {split: [_parts(kind, row) for row in rows] for split, rows in drawn.items()}
    found_by = {
        split: signatures([" ".join(own) for own in all_parts], SHINGLE_WORDS) for split, all_parts in parts.items()
    }
    found = {}
    for split in ("dev", "test"):
        pairs = []
        for number, candidates in _candidates(found_by[split], found_by["train"]).items():
            own = parts[split][number]
            same = (one for one in candidates if _nearly_same(kind, own, parts["train"][one]))
            if (one := next(same, None)) is not None:
                pairs.append((drawn[split][number].origin, drawn["train"][one].origin))
        found[split] = NearDuplicates(
            rows=len(pairs),
            of=len(drawn[split]),
            train_rows=len(drawn["train"]),
            examples=[list(pair) for pair in pairs[:EXAMPLES]],
        )
    return found


def near_duplicate_warnings(found: dict[str, NearDuplicates]) -> list[str]:
    """Return a sentence for each split with such rows."""
    return [
        f"{one.rows:,} of {one.of:,} {split} rows are nearly the same as one of {one.train_rows:,} training rows, such "
        f"as {one.examples[0][0]} as {one.examples[0][1]}"
        for split, one in found.items()
        if one.rows
    ]


def _drawn(name: str, split: str, rows: list[Row]) -> list[Row]:
    """Return the rows, or as many of them as are compared; always the same ones."""
    if len(rows) <= MOST_ROWS[split]:
        return rows
    chosen = generator_for(name, split, "near duplicates").permutation(len(rows))[: MOST_ROWS[split]]
    return [rows[number] for number in np.sort(chosen)]


def _parts(kind: TaskKind, row: Row) -> tuple[str, ...]:
    """Return the words of the parts; choices are one part, as their order means nothing."""
    words = [words_of(part) for part in row.parts]
    return (words[0], " ".join(sorted(words[1:]))) if kind.chooses else tuple(words)


def _candidates(rows: np.ndarray, train: np.ndarray) -> dict[int, list[int]]:
    """Return for each row the training rows that agree with it in a band of the signature; rows without any are left
    out.
    """
    candidates: dict[int, set[int]] = {}
    for bucket in buckets(np.concatenate([rows, train]), band_rows(SIMILARITY)):
        there = [number - len(rows) for number in bucket if number >= len(rows)][:MOST_CANDIDATES]
        for number in bucket:
            if number < len(rows) and there:
                candidates.setdefault(number, set()).update(there)
    return {number: sorted(candidates[number])[:MOST_CANDIDATES] for number in sorted(candidates)}


def _nearly_same(kind: TaskKind, one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return True if each part is nearly the same, of an unordered pair also crosswise, and not all parts are equal."""
    orders = [other, other[::-1]] if kind.symmetric else [other]
    if one in orders:
        return False
    return any(
        all(
            similarity(shingles(a, SHINGLE_WORDS), shingles(b, SHINGLE_WORDS)) >= SIMILARITY
            for a, b in zip(one, order, strict=True)
        )
        for order in orders
    )
