"""All tests of a system's word vectors: neighbors of frequent words, and the files of `language_tests` for words."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.evaluation.word_tests.analogies import analogies
from pretrace.evaluation.word_tests.neighbors import neighbors
from pretrace.evaluation.word_tests.similarity import similarity
from pretrace.model import load_model
from pretrace.model.word2vec import Word2Vec
from pretrace.schemas.zero_shot import WordTests
from pretrace.settings import Settings
from pretrace.tokens import load_vocabulary, vocabulary_folder
from pretrace.tokens.words import WholeWords
from pretrace.training.word2vec.words import vectors_of_words

PROTOCOLS: dict[str, Callable[..., dict[str, Any]]] = {test.__name__: test for test in (similarity, analogies)}
"""Tests of words by their name in `language_tests`."""


def score_words(settings: Settings, models: Path) -> dict[str, WordTests]:
    """Test the word vectors of each pre-training in `models` (models/pretrained/<system>).

    Vectors of other tokens than whole words are not tested.

    Raises:
        PretraceError: a model or a file of a test is missing, or not what it should be; the text names the test.
    """
    vocabulary = load_vocabulary(vocabulary_folder(models / settings.scale.kind))
    if not isinstance(vocabulary, WholeWords):
        return {}
    prepare = cache(lambda word: vocabulary.prepare(word).strip())
    found = {}
    for name in settings.pretrainings():
        model = load_model(models / name)
        assert isinstance(model, Word2Vec)
        vectors = vectors_of_words(model, vocabulary)
        scores: dict[str, dict[str, Any]] = {protocol: {} for protocol in PROTOCOLS}
        for test_name, test in settings.language_tests.items():
            if run_test := PROTOCOLS.get(test.protocol):
                try:
                    scores[test.protocol] |= run_test(vectors, test.file, prepare)
                except PretraceError as error:
                    raise PretraceError(f"params.yaml: language_tests.{test_name}: {error}") from None
        found[name] = WordTests(**scores, neighbors=neighbors(vectors))
    return found
