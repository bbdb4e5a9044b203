"""Masks and inputs: shares as set, functions of the sequence alone, the loss of masked places only."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.model import build_model
from pretrace.settings import ObjectiveSettings
from pretrace.tokens.shards import Shards, open_shards
from pretrace.training.engine.device import Device
from pretrace.training.objectives import MicroBatch, Sequences
from pretrace.training.objectives.choose import choose_objective
from pretrace.training.objectives.masked_lm import MaskedLM
from pretrace.training.objectives.masks import NOTHING, mask
from tests.helpers.toy_grammar import (
    FIRST_WORD,
    SPECIAL,
    STOP,
    WORDS_OF_TOPIC,
    ToyWords,
    make_toy_shards,
    masked_settings,
)

CPU = Device("cpu", torch.float32, "")
CONTEXT, COUNT = 16, 41
Read = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return open_shards(make_toy_shards(tmp_path_factory.mktemp("toy")), "train")


def objective(**settings: Any) -> MaskedLM:
    return MaskedLM(ObjectiveSettings(kind="masked", **settings), SPECIAL, ToyWords.size)


def masked(ids: np.ndarray, key: int = 0, **settings: Any) -> Read:
    random = np.random.Philox(key=np.array([7, key], np.uint64))
    return mask(ids, SPECIAL, ObjectiveSettings(kind="masked", **settings), 5000, random)


@given(st.integers(1, 60), st.floats(0.01, 1.0), st.integers(0, 1000))
def test_share_of_a_sequence_is_masked_and_special_tokens_never(words: int, rate: float, key: int) -> None:
    ids = np.array([SPECIAL.first, *range(10, 10 + words), SPECIAL.separator])
    read, targets = masked(ids, key, mask_rate=rate)
    places = np.flatnonzero(targets != NOTHING)
    assert len(places) == min(words, max(1, round(rate * len(ids))))
    assert (targets[places] == ids[places]).all()
    assert not {0, len(ids) - 1} & {*places.tolist()}
    others = np.setdiff1d(np.arange(len(ids)), places)
    assert (read[others] == ids[others]).all()


def test_masked_tokens_are_replaced_by_the_shares_of_the_settings() -> None:
    ids = np.array([SPECIAL.first, *[10] * 20_000, SPECIAL.separator])
    for shares in ({}, {"mask_share": 1.0, "random_share": 0.0}, {"mask_share": 0.0, "random_share": 0.5}):
        read, targets = masked(ids, mask_rate=0.5, **shares)
        chosen = read[targets != NOTHING]
        settings = ObjectiveSettings(kind="masked", **shares)
        kept = 1 - settings.mask_share - settings.random_share
        found = [(chosen == SPECIAL.mask).mean(), (chosen == 10).mean()]
        assert found == pytest.approx([settings.mask_share, kept], abs=0.01)
        random = chosen[(chosen != SPECIAL.mask) & (chosen != 10)]
        if settings.random_share:
            assert len(np.unique(random)) > 800
            assert random.max() > 4900
            assert random.min() < 100


def rows_of(sequences: Sequences) -> list[bytes]:
    assert sequences.masked is not None
    rows = zip(sequences.ids_BT, sequences.masked.targets_BT, strict=True)
    return [ids.numpy().tobytes() + targets.numpy().tobytes() for ids, targets in rows]


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("masks", ["dynamic", "static"])
def test_ranks_share_a_batch_and_its_mean(toy: Shards, pairs: bool, masks: str) -> None:
    own = objective(masks=masks, next_sentence=pairs)
    batch = range(37, 48)
    whole = own.reader(toy, CONTEXT, 3)(batch, range(len(batch)))
    for processes in (2, 3):
        shares = [own.reader(toy, CONTEXT, 3)(batch, range(rank, len(batch), processes)) for rank in range(processes)]
        for rank, share in enumerate(shares):
            assert rows_of(share) == rows_of(whole)[rank::processes]
            assert share.masked.predicted == whole.masked.predicted == (whole.masked.targets_BT >= 0).sum()


def test_masks_are_others_in_each_epoch_or_come_again(toy: Shards) -> None:
    def epochs(**settings: Any) -> list[set[bytes]]:
        own = objective(**settings)
        read = own.reader(toy, CONTEXT, 3)
        size = len(own.validation(toy, CONTEXT))
        return [{*rows_of(read(range(n * size, (n + 1) * size), range(size)))} for n in range(5)]

    dynamic = epochs()
    assert all(len(a & b) < len(a) / 4 for a in dynamic for b in dynamic if a is not b)
    static = epochs(masks="static", copies=2)
    assert static[0] == static[2] == static[4] != static[1] == static[3]


def test_sequences_are_of_one_document_each(toy: Shards) -> None:
    """All tokens of the text are read in an epoch, between the tokens of beginning and end."""
    own = objective(mask_rate=0.01, mask_share=0.0, random_share=0.0)
    starts = toy.document_starts()
    texts = [toy.read(int(a), int(b - a - 1)).tolist() for a, b in pairwise(starts)]
    seen = set()
    size = len(own.validation(toy, CONTEXT))
    sequences = own.reader(toy, CONTEXT, 5)(range(size, 2 * size), range(size))
    lengths = sequences.masked.lengths_B.tolist()
    for row, length in zip(sequences.ids_BT.tolist(), lengths, strict=True):
        assert (row[0], row[length - 1]) == (SPECIAL.first, SPECIAL.separator)
        assert row[length:] == [SPECIAL.padding] * (CONTEXT - length)
        text = row[1 : length - 1]
        found = [(n, at) for n, own in enumerate(texts) for at in range(len(own)) if own[at : at + len(text)] == text]
        assert found
        seen |= {(n, at + k) for n, at in found for k in range(len(text))}
    assert len(seen) == sum(map(len, texts))
    assert CONTEXT in lengths
    assert min(lengths) < CONTEXT


@pytest.mark.parametrize("pairs", [False, True])
def test_sources_are_read_by_weight(tmp_path: Path, pairs: bool) -> None:
    """A document's topic is its source; both texts of a pair are of one source, and a batch is the same on its own."""
    weights = {"0": 5.0, "1": 2.0, "2": 1.0, "3": 0.0}
    mixed = open_shards(make_toy_shards(tmp_path / "mixed", mix=weights), "train")
    own = objective(mask_rate=0.01, mask_share=0.0, random_share=0.0, next_sentence=pairs)
    read = own.reader(mixed, CONTEXT, 5)
    whole = read(range(400), range(400))
    topics = [{(i - FIRST_WORD) // WORDS_OF_TOPIC for i in row if i >= FIRST_WORD} for row in whole.ids_BT.tolist()]
    assert all(len(of_row) == 1 for of_row in topics)
    counts = np.cumsum([[topic in of_row for topic in range(4)] for of_row in topics], axis=0)
    assert (abs(counts - np.arange(1, 401)[:, None] * [5 / 8, 2 / 8, 1 / 8, 0]) < 1).all()
    assert rows_of(own.reader(mixed, CONTEXT, 5)(range(320, 333), range(13))) == rows_of(whole)[320:333]
    assert rows_of(own.reader(mixed, CONTEXT, 6)(range(320, 333), range(13))) != rows_of(whole)[320:333]
    starts = mixed.document_starts()
    documents = [mixed.read(int(a), int(b - a)).tolist() for a, b in pairwise(starts)]
    found = {
        (i - FIRST_WORD) // WORDS_OF_TOPIC for n in own.documents(mixed, CONTEXT, range(8), 5) for i in documents[n]
    }
    assert found - {-1} == {0, 1, 2}  # -1: special tokens


def test_pairs_are_of_one_document_or_of_two(toy: Shards) -> None:
    """The topic tells: a following text has that of the first, a random one another in three of four cases."""
    own = objective(mask_rate=0.01, mask_share=0.0, random_share=0.0, next_sentence=True)
    size = len(own.validation(toy, CONTEXT))
    read = own.reader(toy, CONTEXT, 5)
    rows = [read(range(n * size, (n + 1) * size), range(size)) for n in range(8)]
    same, random = [], []
    for sequences in rows:
        part = sequences.masked
        for n, (ids, segments) in enumerate(zip(sequences.ids_BT, part.segments_BT, strict=True)):
            length = int(part.lengths_B[n]) if part.lengths_B is not None else CONTEXT
            row, second = ids[:length].tolist(), int(segments[:length].sum())
            assert row.count(SPECIAL.separator) == 2
            first, rest = row[1 : length - second - 1], row[length - second : -1]
            assert row[length - second - 1] == row[-1] == SPECIAL.separator
            assert first
            assert rest
            topics = [{(word - 6) // 5 for word in text if word != STOP} for text in (first, rest)]
            assert all(len(one) <= 1 for one in topics)
            (random if part.random_B[n] else same).append(topics[0] == topics[1])
    assert sum(same) >= 0.9 * len(same)  # a text may be nothing but a full stop, after truncation
    assert 0.1 < sum(random) / len(random) < 0.4
    assert len(random) > len(same)  # half, and all texts of a single sentence


def test_some_pairs_are_short(toy: Shards) -> None:
    def tokens(short_share: float) -> int:
        own = objective(next_sentence=True, short_share=short_share)
        return int(own.reader(toy, CONTEXT, 5)(range(80), range(80)).masked.lengths_B.sum())

    assert tokens(0.0) > tokens(0.5) > tokens(0.99)


@pytest.mark.parametrize("pairs", [False, True])
def test_documents_of_a_batch_have_its_tokens(toy: Shards, pairs: bool) -> None:
    own = objective(mask_rate=0.01, mask_share=0.0, random_share=0.0, next_sentence=pairs)
    starts = toy.document_starts()
    for step in range(6):
        batch = range(4 * step, 4 * step + 4)
        texts = [
            toy.read(int(starts[n]), int(starts[n + 1] - starts[n])) for n in own.documents(toy, CONTEXT, batch, 5)
        ]
        assert len(texts) <= 4 * (1 + pairs)
        words = {*own.reader(toy, CONTEXT, 5)(batch, range(len(batch))).ids_BT.ravel().tolist()} - {*SPECIAL[:4]}
        assert words <= {int(word) for text in texts for word in text}


def test_one_document_has_no_other(tmp_path: Path) -> None:
    shards = open_shards(make_toy_shards(tmp_path, documents=1), "train")
    with pytest.raises(
        PretraceError, match=r"train: 1 documents; pretrain\.objective\.next_sentence needs two or more"
    ):
        objective(next_sentence=True).reader(shards, CONTEXT, 3)


def test_a_vocabulary_without_masks_is_refused() -> None:
    with pytest.raises(PretraceError, match=r"`masked` needs a vocabulary with tokens for masks"):
        choose_objective(ObjectiveSettings(kind="masked"), None, 50)


@pytest.mark.parametrize("pairs", [False, True])
def test_loss_is_the_mean_over_masked_tokens_of_the_batch(toy: Shards, pairs: bool) -> None:
    """Worked out by hand, each sequence read alone without padding; and micro-batches sum to it."""
    settings = masked_settings({"model.dropout": 0.0}, pairs).scale
    model = build_model(settings, ToyWords.size, 1)
    own = MaskedLM(settings.pretrain.objective, SPECIAL, ToyWords.size)
    sequences = own.reader(toy, CONTEXT, 3)(range(COUNT), range(COUNT))
    part = sequences.masked
    assert part.lengths_B.min() < CONTEXT
    losses, next_losses = [], []
    for n, ids in enumerate(sequences.ids_BT):
        length = int(part.lengths_B[n])
        segments = part.segments_BT[n : n + 1, :length] if pairs else None
        h_1TC = model.hidden(ids[None, :length], segments_BT=segments)
        targets = part.targets_BT[n, :length]
        losses.append(F.cross_entropy(model.logits(h_1TC[0]), targets, ignore_index=-1, reduction="none"))
        if pairs:
            logits = model.next_sentence_logits(h_1TC[:, 0])
            next_losses.append(F.cross_entropy(logits, part.random_B[n : n + 1]))
    expected = torch.cat(losses).sum() / (part.targets_BT >= 0).sum()
    if pairs:
        expected = expected + torch.stack(next_losses).mean()
    for size in (7, COUNT):
        micro = []
        for first in range(0, COUNT, size):
            rows = sequences.rows(slice(first, first + size))
            numbers = range(first, first + len(rows))
            micro.append(own.loss(model, MicroBatch(rows.ids_BT, numbers, COUNT, 3, 0, rows.masked), 0.0, CPU))
        torch.testing.assert_close(sum(micro), expected, rtol=1e-5, atol=1e-5)
    assert float(expected.detach()) == pytest.approx(math.log(ToyWords.size) + pairs * math.log(2), rel=0.5)
