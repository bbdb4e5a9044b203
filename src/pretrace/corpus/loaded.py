"""Loads what cleaning takes, all at once: for the process that workers are forked from, which share it then."""

import pyarrow.parquet as pq

from pretrace.corpus import pieces
from pretrace.corpus.clean import clean_text

__all__ = ["pieces", "pq"]

clean_text("spaCy's rules are read with the first word, ftfy with the first that is not ASCII: \N{COPYRIGHT SIGN}\xa0.")
