"""Imports and warms up all that cleaning uses, in the process that workers are forked from: they share its memory."""

import pyarrow.parquet as pq

from pretrace.corpus.cleaning import passes
from pretrace.corpus.text.clean import clean_text

__all__ = ["passes", "pq"]

clean_text("spaCy's rules are read with the first word, ftfy with the first that is not ASCII: \N{COPYRIGHT SIGN}\xa0.")
