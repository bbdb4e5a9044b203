"""Sources by weight: their shares from the first sequence on, each read evenly, any batch by its number alone."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, write_documents
from pretrace.schemas.tokens import MixedSource, SourcesFile, SourceWeights
from pretrace.tokens.shards import open_shards, sequences_per_epoch, write_shards
from pretrace.tokens.shards.mix import MixedSequences, SourceMix, SourceStream, interleaved
from pretrace.tokens.shards.write_mix import LONGEST_PERIOD, parts_of
from tests.helpers.small_shards import TEXTS, Words

GPT3 = {"crawl": 60, "webtext2": 22, "books1": 8, "books2": 8, "wikipedia": 3}
"""Table 2.2; in percent, which come to 101."""
WEIGHTS = st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any)


class Placed:
    """Shards whose ids are their places, with a mix of sources."""

    split = "train"

    def __init__(self, sizes: list[int], sources: list[int], parts: list[int]) -> None:
        self._starts, self._sources = np.cumsum([0, *sizes]), np.array(sources)
        self.tokens = int(self._starts[-1])
        of_source = [sum(s for s, own in zip(sizes, sources, strict=True) if own == n) for n in range(len(parts))]
        self.mix = SourceWeights(
            sources=[
                MixedSource(source=f"s{n}", part=p, tokens=of_source[n], documents=1) for n, p in enumerate(parts)
            ],
            file=SourcesFile(name="x", sha256="0" * 64),
        )

    def read(self, start: int, length: int) -> np.ndarray:
        assert start >= 0 and start + length <= self.tokens
        return np.arange(start, start + length)

    def document_starts(self) -> np.ndarray:
        return self._starts

    def document_sources(self) -> np.ndarray:
        return self._sources

    def source_at(self, place: int) -> int:
        return int(self._sources[np.searchsorted(self._starts, place, side="right") - 1])


@st.composite
def placed(draw: st.DrawFn) -> Placed:
    parts = draw(WEIGHTS)
    more = draw(st.lists(st.tuples(st.integers(1, 40), st.integers(0, len(parts) - 1)), max_size=12))
    documents = draw(st.permutations([*((30, n) for n in range(len(parts))), *more]))  # each has a sequence
    return Placed([size for size, _ in documents], [source for _, source in documents], parts)


@given(WEIGHTS)
def test_share_of_every_beginning_is_within_one(parts: list[int]) -> None:
    order = interleaved(parts)
    counts = np.cumsum(order[:, None] == np.arange(len(parts)), axis=0)
    due = np.arange(1, len(order) + 1)[:, None] * np.array(parts) / sum(parts)
    assert (np.abs(counts - due) < 1).all()
    assert counts[-1].tolist() == parts


@pytest.mark.slow
@given(placed(), st.integers(2, 8), st.integers(0, 3), st.integers(1, 9))
@settings(max_examples=150)
def test_sources_are_read_by_weight_and_evenly(shards: Placed, context: int, seed: int, size: int) -> None:
    """Each window once before any is read again; whole documents of one source behind each other."""
    mix, total = SourceMix(shards), 400
    sequences = MixedSequences(mix, context, seed).read(range(total))
    sources = np.array([[shards.source_at(place) for place in row] for row in sequences.tolist()])
    assert (sources == sources[:, :1]).all()
    of_row, parts = sources[:, 0], np.array([source.part for source in shards.mix.sources])
    counts = np.cumsum(of_row[:, None] == np.arange(len(parts)), axis=0)
    assert (np.abs(counts - np.arange(1, total + 1)[:, None] * parts / parts.sum()) < 1).all()
    for number, stream in enumerate(mix.streams):
        source = int(stream.name.removeprefix("s"))
        own, epoch = sequences[of_row == source], sequences_per_epoch(stream.tokens, context)
        assert mix.sequences_before(number, total) == len(own)
        for first in range(0, len(own) - epoch + 1, epoch):
            assert len(np.unique(own[first : first + epoch])) == epoch * context
    batches = [range(at, min(at + size, total)) for at in range(0, total, size)]
    for batch in batches[:: max(1, len(batches) // 5)]:
        again = MixedSequences(SourceMix(shards), context, seed)  # knows nothing of the batches before
        assert (again.read(batch) == sequences[batch.start : batch.stop]).all()
        third = range(1, len(batch), 3)
        assert not third or (again.read(batch, third) == sequences[batch.start : batch.stop][1::3]).all()
        documents = np.searchsorted(shards.document_starts(), sequences[batch.start : batch.stop], side="right") - 1
        assert again.documents(batch) == sorted(set(documents.reshape(-1).tolist()))


@given(placed(), st.data())
def test_stream_of_a_source_is_its_documents(shards: Placed, data: st.DataObject) -> None:
    starts = shards.document_starts()
    for number, source in enumerate(shards.mix.sources):
        documents = np.flatnonzero(shards.document_sources() == number)
        stream = SourceStream(shards, source.source, documents, starts)
        whole = np.concatenate([np.arange(starts[n], starts[n + 1]) for n in documents])
        assert stream.tokens == source.tokens == len(whole)
        start = data.draw(st.integers(0, stream.tokens))
        length = data.draw(st.integers(0, stream.tokens - start))
        assert (stream.read(start, length) == whole[start : start + length]).all()
        pieces = [stream.read(int(a), int(b - a)).tolist() for a, b in pairwise(stream.document_starts())]
        assert pieces == [list(range(starts[n], starts[n + 1])) for n in documents]
        for bad in ((-1, 1), (0, stream.tokens + 1), (0, -1)):
            with pytest.raises(IndexError, match="source 's"):
                stream.read(*bad)


def test_parts_are_the_smallest_numbers_in_proportion() -> None:
    assert parts_of(GPT3) == dict(sorted(GPT3.items()))
    assert parts_of({"b": 0.6, "a": 0.2, "c": 0.2}) == {"a": 1, "b": 3, "c": 1}
    assert parts_of({"a": 410e9, "b": 19e9}) == {"a": 410, "b": 19}
    assert parts_of({"a": 1e-5, "b": 0.0}) == {"a": 1, "b": 0}


@given(st.lists(st.floats(0, 1e9).filter(lambda x: x == 0 or x > 1e-6), min_size=1, max_size=8).filter(any))
def test_parts_are_as_near_as_the_period_allows(weights: list[float]) -> None:
    parts = parts_of({f"s{n}": weight for n, weight in enumerate(weights)})
    assert [part > 0 for part in parts.values()] == [weight > 0 for weight in weights]
    shares = np.array(weights) / sum(weights)
    assert np.abs(np.array([*parts.values()]) / sum(parts.values()) - shares).max() < len(weights) / LONGEST_PERIOD
    assert sum(parts.values()) <= LONGEST_PERIOD + len(weights)


def mixed_clean(folder: Path) -> Path:
    rows = [Document(name, "ab"[number % 2], text) for number, (name, text) in enumerate(TEXTS.items())]
    write_documents(folder / "clean" / "train", rows)
    write_documents(folder / "clean" / "validation", [Document("v", "c", "w5 w6")])
    return folder / "clean"


def test_mix_adds_a_file_and_changes_no_other(tmp_path: Path) -> None:
    clean = mixed_clean(tmp_path)
    write_shards(clean, Words(), tmp_path / "plain")
    manifest = write_shards(clean, Words(), tmp_path / "mixed", mix={"a": 0.25, "b": 0.75})
    names = {path.name for path in (tmp_path / "mixed").iterdir()}
    assert names - {path.name for path in (tmp_path / "plain").iterdir()} == {"train-sources.bin"}
    for name in names - {"train-sources.bin", "manifest.json"}:
        assert (tmp_path / "mixed" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    plain, mixed = (json.loads((tmp_path / n / "manifest.json").read_text()) for n in ("plain", "mixed"))
    del mixed["splits"]["train"]["mix"]
    assert mixed == plain
    weights = manifest.splits["train"].mix
    assert weights is not None and weights.weights() == {"a": 0.25, "b": 0.75}
    assert [source.documents for source in weights.sources] == [15, 15]
    shards = open_shards(tmp_path / "mixed", "train")
    for number, own in enumerate("ab"):
        expected = {tuple(Words().encode_array(TEXTS[name])) for name in list(TEXTS)[number::2]}
        stream = SourceMix(shards).streams[number]
        ids = [tuple(stream.read(int(a), int(b - a - 1))) for a, b in pairwise(stream.document_starts())]
        assert (stream.name, set(ids), stream.tokens) == (own, expected, weights.sources[number].tokens)
    assert open_shards(tmp_path / "mixed", "validation").mix is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a": 1, "b": 1, "c": 1}, "corpus.mix: 'c' has no document in the training text, which has 'a', 'b'"),
        ({"a": 1}, "corpus.mix: no weight for 'b'; give each a weight, or 0 to leave it out"),
    ],
)
def test_mix_of_other_sources_is_refused(tmp_path: Path, weights: dict[str, float], message: str) -> None:
    with pytest.raises(PretraceError, match=message):
        write_shards(mixed_clean(tmp_path), Words(), tmp_path / "mixed", mix=weights)
    assert not (tmp_path / "mixed").exists()


def test_source_that_is_left_out_need_not_be_there(tmp_path: Path) -> None:
    """`pretrace check` asks for its weight, as it cannot know that no document of it stays in the training text."""
    folder = mixed_clean(tmp_path)
    for name, weights in (("two", {"a": 1, "b": 3}), ("three", {"Gone": 0, "a": 1, "b": 3})):
        write_shards(folder, Words(), tmp_path / name, mix=weights)
    files = [sorted((tmp_path / name).iterdir()) for name in ("two", "three")]
    for two, three in zip(*files, strict=True):
        assert (two.name, two.read_bytes()) == (three.name, three.read_bytes())


def test_source_without_a_sequence_is_named() -> None:
    shards = Placed([30, 5], [0, 1], [1, 1])
    with pytest.raises(PretraceError, match="train, source 's1': 5 tokens give no sequence of 8; add text, or give it"):
        MixedSequences(SourceMix(shards), 8, 0)
    rest = Placed([30, 5], [0, 1], [1, 0])
    assert (MixedSequences(SourceMix(rest), 8, 0).read(range(5)) < 30).all()


def test_damaged_sources_are_refused(tmp_path: Path) -> None:
    write_shards(mixed_clean(tmp_path), Words(), tmp_path / "mixed", mix={"a": 1, "b": 0})
    path = tmp_path / "mixed" / "train-sources.bin"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    with pytest.raises(PretraceError, match=r"train-sources.bin: damaged"):
        open_shards(tmp_path / "mixed", "train")


GOLDEN_STARTS = [13, 37, 83, 44, 5, 21, 29, 52, 75, 32, 16, 55]


def test_order_is_fixed() -> None:
    # Fixed for ever: a run that is taken up by a later version has to go on with the same data.
    assert interleaved([3, 1, 2]).tolist() == [0, 2, 0, 1, 0, 2]
    shards = Placed([40, 30, 30], [0, 1, 0], [3, 1])
    assert MixedSequences(SourceMix(shards), 8, 0).read(range(12))[:, 0].tolist() == GOLDEN_STARTS
