"""All tests of a system's word vectors: neighbors of frequent words, and the files of `language_tests` for words."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.evaluation.word_tests.analogies import analogies
from pretrace.evaluation.word_tests.neighbors import neighbors
from pretrace.evaluation.word_tests.similarity import similarity
from pretrace.model import load_model
from pretrace.model.word2vec import Word2Vec
from pretrace.schemas.zero_shot import AnalogyScore, SimilarityScore, WordTests
from pretrace.settings import Settings
from pretrace.tokens import load_vocabulary, vocabulary_folder
from pretrace.tokens.words import WholeWords
from pretrace.training.word2vec.words import vectors_of_words


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
        similar: dict[str, SimilarityScore] = {}
        answered: dict[str, AnalogyScore] = {}
        for test_name, test in settings.language_tests.items():
            try:
                if test.protocol == "similarity":
                    similar |= similarity(vectors, test.file, prepare)
                elif test.protocol == "analogies":
                    answered |= analogies(vectors, test.file, prepare)
            except PretraceError as error:
                raise PretraceError(f"params.yaml: language_tests.{test_name}: {error}") from None
        found[name] = WordTests(similarity=similar, analogies=answered, neighbors=neighbors(vectors))
    return found
