"""One update against the plain formula, differentiated by PyTorch, and against gensim's own code."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid

from pretrace.training.word2vec.update import Blocks, update

NEGATIVES, RATE = 5, 0.1


def made_up(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, Blocks]:
    """Two tables of 12 words, and blocks in which words are there twice and noise words are centers, too."""
    random = torch.Generator().manual_seed(seed)
    tables = torch.randn(2, 12, 6, generator=random).double()
    shapes = {"centers": (3, 4), "contexts": (3, 7), "noise": (3, 5)}
    centers, contexts, noise = (torch.randint(12, shape, generator=random) for shape in shapes.values())
    pairs = (torch.rand(3, 7, 4, generator=random) < 0.5).double()
    return tables[0], tables[1], Blocks(centers, contexts, pairs, noise)


def plain_loss(vectors: torch.Tensor, outputs: torch.Tensor, blocks: Blocks) -> torch.Tensor:
    """The loss of equation 4, pair by pair."""
    loss = torch.zeros((), dtype=vectors.dtype)
    share = NEGATIVES / blocks.noise_BN.shape[1]
    for b, s, t in blocks.pairs_BST.nonzero().tolist():
        x, center = vectors[blocks.contexts_BS[b, s]], blocks.centers_BT[b, t]
        loss = loss - logsigmoid(x @ outputs[center])
        for noise in blocks.noise_BN[b]:
            if noise != center:
                loss = loss - share * logsigmoid(-x @ outputs[noise])
    return loss


def test_update_is_the_gradient_of_the_formula() -> None:
    vectors, outputs, blocks = made_up()
    free = vectors.clone().requires_grad_(), outputs.clone().requires_grad_()
    plain_loss(*free, blocks).backward()
    wanted = [(table - RATE * table.grad).detach() for table in free if table.grad is not None]
    update(vectors, outputs, blocks, NEGATIVES, RATE)
    torch.testing.assert_close(vectors, wanted[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(outputs, wanted[1], rtol=0, atol=1e-12)


def test_update_lowers_the_loss() -> None:
    vectors, outputs, blocks = made_up(1)
    before = plain_loss(vectors, outputs, blocks)
    update(vectors, outputs, blocks, NEGATIVES, 1e-3)
    assert plain_loss(vectors, outputs, blocks) < before


def test_two_pairs_are_gensims() -> None:
    """gensim reads the sentence "a b" as two pairs; the noise is always "c", by far the most frequent word.

    Its sigmoid is a table with steps of 0.012, which decides the tolerance.
    """
    word2vec = pytest.importorskip("gensim.models").Word2Vec
    model = word2vec(vector_size=8, window=1, min_count=1, sg=1, negative=1, ns_exponent=1.0, sample=0, seed=3)
    model.build_vocab_from_freq({"c": 10**9, "a": 1, "b": 1})
    numbers = model.wv.key_to_index
    draws = np.random.default_rng(0)
    model.wv.vectors[:] = draws.normal(size=(3, 8)) * 0.5
    model.syn1neg[:] = draws.normal(size=(3, 8)) * 0.5
    vectors, outputs = torch.from_numpy(model.wv.vectors.copy()), torch.from_numpy(model.syn1neg.copy())
    start = vectors.clone()
    model.train([["a", "b"]], total_examples=1, epochs=1, start_alpha=RATE, end_alpha=RATE)
    for center, context in (("a", "b"), ("b", "a")):
        pair = [torch.tensor([[numbers[word]]]) for word in (center, context)]
        noise = torch.tensor([[numbers["c"]]])
        update(vectors, outputs, Blocks(*pair, torch.ones(1, 1, 1), noise), 1, RATE)
    assert not torch.equal(vectors, start)
    np.testing.assert_allclose(vectors, model.wv.vectors, rtol=0, atol=RATE * 0.012)
    np.testing.assert_allclose(outputs, model.syn1neg, rtol=0, atol=RATE * 0.012)
    moved = np.abs(vectors.numpy() - start.numpy()).max()
    assert moved > 20 * np.abs(vectors.numpy() - model.wv.vectors).max()
