"""Tokenizers: `train_vocabulary` from word counts, `load_vocabulary` from a folder, OpenAI's included.

Importing this is cheap: sentencepiece is imported where it is used.
"""

from pretrace.tokens.load import copy_vocabulary, load_vocabulary, vocabulary_folder
from pretrace.tokens.special_rows import ExtendedVocabulary
from pretrace.tokens.train import measure_vocabulary, train_on_documents
from pretrace.tokens.train_bpe import train_vocabulary, write_word_counts
from pretrace.tokens.vocabulary import Vocabulary

__all__ = [
    "ExtendedVocabulary",
    "Vocabulary",
    "copy_vocabulary",
    "load_vocabulary",
    "measure_vocabulary",
    "train_on_documents",
    "train_vocabulary",
    "vocabulary_folder",
    "write_word_counts",
]
