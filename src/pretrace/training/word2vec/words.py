"""The words of a model's vectors."""

from __future__ import annotations

from pretrace.common.errors import PretraceError
from pretrace.model.word2vec import Word2Vec
from pretrace.tokens.vocabulary import Vocabulary
from pretrace.tokens.words import SPECIALS, WholeWords
from pretrace.training.word2vec.vectors import WordVectors


def vectors_of_words(model: Word2Vec, vocabulary: Vocabulary) -> WordVectors:
    """Return the vectors of the words of a vocabulary, the most frequent first.

    Raises:
        PretraceError: the vocabulary is not of whole words.
    """
    if not isinstance(vocabulary, WholeWords):
        raise PretraceError(
            f"vocabulary.kind: got {vocabulary.description.kind!r}; vectors of words take `words`, whole words"
        )
    return WordVectors(vocabulary.words, model.token_embedding.weight.detach().numpy()[SPECIALS:])
