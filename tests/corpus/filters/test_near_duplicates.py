"""Near duplicates: what is dropped or kept together, against a comparison of every pair."""

from __future__ import annotations

import random
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pretrace.corpus.filters import near_duplicates
from pretrace.corpus.filters.band_buckets import BandFiles
from pretrace.corpus.filters.minhash import PERMUTATIONS, band_hashes, band_rows, signatures
from pretrace.corpus.filters.near_duplicates import NearDuplicateSearch, find_near_duplicates
from pretrace.settings import NearDuplicateRules
from tests.helpers.planted_text import changed, text

# Each is one of three texts, seen from its first word or some words later, with a few words changed: so there are
# chains, too, in which neighbors are alike and the ends are not.
PLAN = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=8)
FOLDER = {"suppress_health_check": [HealthCheck.function_scoped_fixture], "deadline": None}


def found(texts: list[str], path: Path, **rules: object) -> tuple[dict[int, tuple[int, float]], dict[int, int]]:
    settings_of = NearDuplicateRules(**rules)
    rows = band_rows(settings_of.threshold)
    folder = path / "bands"
    with BandFiles(folder, PERMUTATIONS // rows) as bands:
        for start in range(0, len(texts), 100):
            bands.add(band_hashes(signatures(texts[start : start + 100], settings_of.shingle_words), rows).tobytes())
        result = find_near_duplicates(texts, bands, settings_of)
    assert not folder.exists()
    return result


def planted(which: int, changes: int, later: int) -> str:
    found = text(f"t{which}", 160).split()[8 * later : 8 * later + 120]
    return changed("\n".join(" ".join(found[start : start + 12]) for start in range(0, 120, 12)), f"c{which}", changes)


def likeness(a: str, b: str, n: int = 5) -> float:
    """Jaccard similarity as it is written in books."""
    one, two = (
        {tuple(words[start : start + n]) for start in range(max(1, len(words) - n + 1))}
        for words in (a.split(), b.split())
    )
    return len(one & two) / len(one | two)


@pytest.mark.slow
@given(PLAN, st.sampled_from([0.5, 0.8, 0.9]))
@settings(max_examples=40, **FOLDER)
def test_near_duplicates_are_certain_and_the_first_stays(
    tmp_path: Path, plan: list[tuple[int, int, int]], threshold: float
) -> None:
    texts = [planted(*how) for how in plan]
    dropped, groups = found(texts, tmp_path, threshold=threshold)
    assert groups == {}
    expected: dict[int, int] = {}
    for number, own in enumerate(texts):
        kept = [other for other in range(number) if other not in expected]
        twin = next((other for other in kept if likeness(texts[other], own) >= threshold), None)
        if twin is not None:
            expected[number] = twin
    assert {number: twin for number, (twin, _) in dropped.items()} == expected
    for number, (twin, value) in dropped.items():
        assert value == pytest.approx(likeness(texts[number], texts[twin]))


@pytest.mark.slow
@given(PLAN, st.randoms(use_true_random=False))
@settings(max_examples=40, **FOLDER)
def test_groups_are_connected_whatever_the_order(tmp_path: Path, plan: list, random: object) -> None:
    texts = list(dict.fromkeys(planted(*how) for how in plan))
    random.shuffle(texts)
    dropped, groups = found(texts, tmp_path, action="group")
    assert dropped == {}
    together = {number: {number} for number in range(len(texts))}
    for a, b in combinations(range(len(texts)), 2):
        if likeness(texts[a], texts[b]) >= 0.8:
            joined = together[a] | together[b]
            together |= dict.fromkeys(joined, joined)
    assert groups == {number: min(group) for number, group in together.items() if len(group) > 1}


def test_chain_of_near_duplicates(tmp_path: Path) -> None:
    """The middle one is like both ends: dropped, it takes neither with it; kept, it holds the three together."""
    chain = [planted(0, 0, 0), planted(0, 0, 1), planted(0, 0, 2)]
    assert likeness(chain[0], chain[2]) < 0.8 < likeness(chain[0], chain[1])
    assert found(chain, tmp_path)[0].keys() == {1}
    assert found(chain, tmp_path, action="group")[1] == {0: 0, 1: 0, 2: 0}
    assert found([*chain[::2], chain[1]], tmp_path, action="group")[1] == {0: 0, 1: 0, 2: 0}


def template_texts(draw: st.DrawFn) -> list[str]:
    """Return texts from a few templates of which single words are others, some the same in several texts."""
    length = draw(st.integers(8, 40))
    changes = st.dictionaries(st.integers(0, length - 1), st.integers(0, 4), max_size=8)
    plans = draw(st.lists(st.tuples(st.integers(0, 1), changes, st.integers(0, 6)), min_size=2, max_size=24))
    texts = []
    for which, replaced, more in plans:
        words = [f"x{at}y{replaced[at]}" if at in replaced else f"t{which}w{at}" for at in range(length)]
        texts.append(" ".join(words + [f"t{which}m{at}" for at in range(more)]))
    return list(dict.fromkeys(texts))


def plainly(texts: list[str], rules: NearDuplicateRules) -> tuple[dict[int, tuple[int, float]], dict[int, int]]:
    """Compare every pair that agrees in a band."""
    n, rows = rules.shingle_words, band_rows(rules.threshold)
    bands = band_hashes(signatures(texts, n), rows)

    def similar(a: int, b: int) -> float | None:
        value = likeness(texts[a], texts[b], n)
        return value if (bands[a] == bands[b]).any() and value >= rules.threshold else None

    dropped: dict[int, tuple[int, float]] = {}
    together = {number: {number} for number in range(len(texts))}
    for b in range(len(texts)):
        for a in range(b):
            if (value := similar(a, b)) is None:
                continue
            if a not in dropped:
                dropped.setdefault(b, (a, value))
            joined = together[a] | together[b]
            together |= dict.fromkeys(joined, joined)
    if rules.action == "drop":
        return dropped, {}
    return {}, {number: min(group) for number, group in together.items() if len(group) > 1}


@pytest.mark.slow
@given(st.data(), st.sampled_from(["drop", "group"]), st.sampled_from([0.3, 0.5, 0.8, 1.0]), st.sampled_from([1, 3]))
@settings(max_examples=60, **FOLDER)
def test_result_is_that_of_comparing_every_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject, action: str, threshold: float, n: int
) -> None:
    """The same whether documents are in clusters or loose."""
    texts = template_texts(data.draw)
    rules = NearDuplicateRules(action=action, threshold=threshold, shingle_words=n)
    expected = plainly(texts, rules)
    for large in (1, 4, near_duplicates.LARGE):
        with monkeypatch.context() as patched:
            patched.setattr(near_duplicates, "LARGE", large)
            assert found(texts, tmp_path, **rules.model_dump()) == expected


def alike(count: int, replaced: int, added: int) -> list[str]:
    """Return pages of a template of 100 words with own words, at drawn places or at the end."""
    chance = random.Random(count)
    texts = []
    for number in range(count):
        places = chance.sample(range(100), replaced)
        words = [f"own{number}x{at}" if at in places else f"w{at}" for at in range(100)]
        texts.append(" ".join(words + [f"own{number}end{at}" for at in range(added)]))
    return texts


@pytest.mark.slow
@pytest.mark.parametrize("action", ["drop", "group"])
@pytest.mark.parametrize(
    ("replaced", "added", "count"),
    [(1, 0, 4000), (2, 0, 40_000), (0, 15, 4000), (3, 0, 1000), (0, 5, 1000), (0, 60, 1000)],
)
def test_work_grows_with_the_documents_and_not_with_their_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, replaced: int, added: int, count: int
) -> None:
    """Pages of one template: similar (with one word replaced or five added), or not, at 0.76, 0.65, 0.5 and 0.44."""
    searches: list[NearDuplicateSearch] = []
    whole = NearDuplicateSearch.__init__

    def noted(self: NearDuplicateSearch, *arguments: object) -> None:
        whole(self, *arguments)
        searches.append(self)

    monkeypatch.setattr(NearDuplicateSearch, "__init__", noted)
    for documents in (count // 10, count):
        found(alike(documents, replaced, added), tmp_path, action=action)
    few, many = (search.looked_at for search in searches)
    assert count <= many <= min(15 * few, 50 * count)  # there are 100 times as many pairs


def test_near_duplicates_of_no_documents(tmp_path: Path) -> None:
    assert found([], tmp_path) == ({}, {})
