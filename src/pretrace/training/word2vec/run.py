"""Pre-training of word vectors on the shards of a system, with one of `pretrain.seeds`.

It takes seconds to minutes, so a killed one begins anew.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from pretrace.common.progress import progress
from pretrace.model.word2vec import Word2Vec
from pretrace.schemas.models import LanguageModelMetrics
from pretrace.settings import Settings
from pretrace.settings.models.word2vec import Word2VecSettings
from pretrace.tokens.shards import open_shards
from pretrace.tokens.vocabulary import Vocabulary
from pretrace.training.engine.device import choose_device
from pretrace.training.pretraining.result import Pretrained
from pretrace.training.word2vec.evaluate import pair_loss
from pretrace.training.word2vec.train import count_words, train_vectors

FLOPS_PER_NUMBER = 6
"""Of a product of two vectors and its gradients, for each of their numbers."""


def pretrain_words(seed: int, settings: Settings, shards_folder: Path, vocabulary: Vocabulary) -> Pretrained:
    """Train word vectors; the same shards, settings, seed and number of threads give the same bytes.

    Raises:
        PretraceError: the shards are damaged or have no word, or a vector is not finite.
    """
    scale, started = settings.scale, time.monotonic()
    own = scale.sizes
    assert isinstance(own, Word2VecSettings)
    choose_device("float32", scale.threads)
    text, validation = (open_shards(shards_folder, split, vocabulary.fingerprint) for split in ("train", "validation"))
    end = vocabulary.document_end_id
    counts_V = count_words(text, vocabulary.size, [end, *unknown(vocabulary)])
    name = settings.pretraining_name(seed)
    print(f"{name}: cpu, {scale.threads} threads", file=sys.stderr)
    with progress(total=own.epochs * text.tokens, unit="words", description=name) as bar:
        trained = train_vectors(text, counts_V, end, own, seed, bar.update)
    model = Word2Vec.create(own, vocabulary.size, scale.model.context)
    with torch.no_grad():
        model.token_embedding.weight.copy_(torch.from_numpy(trained.vectors_VC))
    metrics = LanguageModelMetrics(
        val_pair_loss=round(pair_loss(trained, validation, counts_V, end, own), 6),
        parameters=2 * vocabulary.size * own.width,
        steps=trained.updates,
        tokens=own.epochs * text.tokens,
        epochs=float(own.epochs),
        flops=trained.pairs * (1 + own.negatives) * FLOPS_PER_NUMBER * own.width,
    )
    seconds = time.monotonic() - started
    rate = round(metrics.tokens / seconds, 1)
    cost = {"device": "cpu", "precision": "float32", "hours": round(seconds / 3600, 4), "tokens_per_second": rate}
    return Pretrained(seed, model, metrics, [], cost, [])


def unknown(vocabulary: Vocabulary) -> list[int]:
    """Return the id of all words that a vocabulary lacks, if it has one."""
    return [] if vocabulary.unknown_id is None else [vocabulary.unknown_id]
