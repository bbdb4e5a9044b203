"""Words to ids and back: `train_vocabulary` from word counts, `load_vocabulary` from a folder.

Importing this is cheap: sentencepiece is imported where it is used.
"""

from pretrace.vocabulary.load import Vocabulary, load_vocabulary
from pretrace.vocabulary.train import measure_vocabulary, train_vocabulary

__all__ = ["Vocabulary", "load_vocabulary", "measure_vocabulary", "train_vocabulary"]
