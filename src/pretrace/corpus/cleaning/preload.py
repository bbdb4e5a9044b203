"""Loads what cleaning takes, all at once: for the process that workers are forked from, which share it then."""

import pyarrow.parquet as pq

from pretrace.corpus.cleaning import text_spool
from pretrace.corpus.text.clean import clean_text

__all__ = ["pq", "text_spool"]

clean_text("spaCy's rules are read with the first word, ftfy with the first that is not ASCII: \N{COPYRIGHT SIGN}\xa0.")
