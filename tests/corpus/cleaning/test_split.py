"""Documents split into train, validation and probes: by source, by group, by words."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.corpus.cleaning.split import SPLITS, KeptDocument, split_documents

SIZES = st.lists(st.integers(1, 2_000), min_size=1, max_size=30)


@pytest.mark.slow
@given(st.lists(SIZES, min_size=1, max_size=8).filter(lambda sources: sum(map(len, sources)) >= 12))
def test_split_puts_every_source_in_train_and_probes(sources: list[list[int]]) -> None:
    entries = [KeptDocument(str(n), str(s), words) for s, sizes in enumerate(sources) for n, words in enumerate(sizes)]
    splits = split_documents(entries, 0.03, 0.25)
    assert "validation" in splits and set(splits) == set(SPLITS)
    for source, sizes in enumerate(sources):
        of_source = [split for entry, split in zip(entries, splits, strict=True) if entry.source == str(source)]
        if len(sizes) >= 3:
            assert {"train", "probes"} <= set(of_source)


@given(st.permutations(range(40)))
@settings(max_examples=20)
def test_split_does_not_depend_on_the_order(order: list[int]) -> None:
    entries = [KeptDocument(str(number), str(number % 5), 50 + number) for number in range(40)]
    expected = dict(zip(entries, split_documents(entries, 0.05, 0.25), strict=True))
    shuffled = [entries[number] for number in order]
    assert dict(zip(shuffled, split_documents(shuffled, 0.05, 0.25), strict=True)) == expected


GROUPS = st.lists(st.integers(0, 30), min_size=40, max_size=40).filter(lambda groups: len(set(groups)) >= 12)


@given(GROUPS, st.permutations(range(40)))
@settings(max_examples=40)
def test_split_keeps_a_group_together(groups: list[int], order: list[int]) -> None:
    entries = [KeptDocument(str(number), str(number % 5), 50 + number) for number in range(40)]
    splits = split_documents(entries, 0.05, 0.25, groups)
    assert set(splits) == set(SPLITS)
    assert len(set(zip(groups, splits, strict=True))) == len(set(groups))
    # Neither the order nor how the groups are numbered has a part in it.
    names = dict(zip(dict.fromkeys(groups[number] for number in order), range(100, 200), strict=False))
    shuffled = split_documents(
        [entries[number] for number in order], 0.05, 0.25, [names[groups[number]] for number in order]
    )
    assert shuffled == [splits[number] for number in order]


def test_split_treats_a_group_as_one_document() -> None:
    entries = [KeptDocument(str(number), str(number % 5), 50 + number) for number in range(80)]
    groups = [number // 2 if number < 20 else number for number in range(80)]
    whole = [min(entries[n : n + 2], key=lambda entry: entry.rank) for n in range(0, 20, 2)]
    whole = [KeptDocument(one.id, one.source, 100 + 4 * place + 1) for place, one in enumerate(whole)]
    splits = split_documents(entries, 0.05, 0.25, groups)
    assert splits[:20:2] + splits[20:] == split_documents([*whole, *entries[20:]], 0.05, 0.25)


def test_split_without_groups() -> None:
    entries = [KeptDocument(str(number), str(number % 5), 50 + number) for number in range(40)]
    assert split_documents(entries, 0.05, 0.25, list(range(40))) == split_documents(entries, 0.05, 0.25)


def test_split_shares_are_of_words() -> None:
    entries = [KeptDocument(str(number), str(number % 7), 100 + number % 50) for number in range(2_000)]
    words = Counter()
    for entry, split in zip(entries, split_documents(entries, 0.03, 0.25), strict=True):
        words[split] += entry.words
    assert abs(words["validation"] / words.total() - 0.03) < 0.002
    assert abs(words["probes"] / words.total() - 0.25) < 0.002
