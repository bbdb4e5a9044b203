"""Rows that are read in order: every token once an epoch, each row on from where it ended, from seed and step alone."""

from __future__ import annotations

import numpy as np
import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, write_documents
from pretrace.tokens.shards import Shards, open_shards, write_shards
from pretrace.tokens.shards.streams import Streams
from tests.helpers.small_shards import TEXTS, Words

ROWS, SEGMENT = 4, 5


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    folder = tmp_path_factory.mktemp("streams")
    for split in ("train", "validation"):
        write_documents(folder / "clean" / split, [Document(name, "s", text) for name, text in TEXTS.items()])
    write_shards(folder / "clean", Words(), folder / "shards")
    return open_shards(folder / "shards", "train")


def test_rows_go_on_where_they_ended_and_an_epoch_reads_each_token_once(shards: Shards) -> None:
    streams = Streams(shards, ROWS, SEGMENT, seed=1)
    assert streams.steps == (shards.tokens - 1) // ROWS // SEGMENT > 3
    seen: list[int] = []
    before, last = np.zeros(ROWS), np.zeros(ROWS)
    for step in range(streams.steps):
        starts, read = streams.starts(step), streams.read(step, range(ROWS))
        assert read.shape == (ROWS, SEGMENT + 1)
        assert streams.continues(step) == (step > 0)
        if step:
            assert (starts == (before + SEGMENT) % shards.tokens).all()
            assert (read[:, 0] == last).all()  # what was only predicted is read now
        before, last = starts, read[:, -1]
        seen += [(start + n) % shards.tokens for start in starts.tolist() for n in range(SEGMENT)]
    assert len(set(seen)) == len(seen)
    assert len(seen) > shards.tokens - ROWS * (SEGMENT + 1)
    assert not streams.continues(streams.steps)


def test_the_stream_is_a_circle_cut_elsewhere_in_each_epoch_and_for_each_seed(shards: Shards) -> None:
    streams = Streams(shards, ROWS, SEGMENT, seed=1)
    whole = shards.read(0, shards.tokens)
    wrapped = 0
    for step in range(3 * streams.steps):
        for row, start in enumerate(streams.starts(step).tolist()):
            ids = streams.read(step, range(row, row + 1))[0]
            assert (ids == np.take(whole, range(start, start + SEGMENT + 1), mode="wrap")).all()
            wrapped += start + SEGMENT >= shards.tokens
    assert wrapped
    begins = {int(Streams(shards, ROWS, SEGMENT, seed).starts(0)[0]) for seed in range(6)}
    begins |= {int(streams.starts(epoch * streams.steps)[0]) for epoch in range(6)}
    assert len(begins) > 8


def test_ranks_share_rows(shards: Shards) -> None:
    streams = Streams(shards, ROWS, SEGMENT, seed=2)
    whole = streams.read(7, range(ROWS))
    assert (streams.read(7, range(1, ROWS, 2)) == whole[1::2]).all()


def test_documents_of_a_step(shards: Shards) -> None:
    streams, borders = Streams(shards, ROWS, SEGMENT, seed=3), shards.document_starts()
    for step in range(4):
        places = {(s + n) % shards.tokens for s in streams.starts(step).tolist() for n in range(SEGMENT + 1)}
        expected = {int(np.searchsorted(borders, place, side="right")) - 1 for place in places}
        assert streams.documents(step) == sorted(expected)


def test_too_few_tokens_are_one_line(shards: Shards) -> None:
    with pytest.raises(PretraceError, match=rf"train: {shards.tokens} tokens are too few for 2 rows of 5000"):
        Streams(shards, 2, 5000, seed=1)
