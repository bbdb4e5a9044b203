"""Latent semantic analysis of the pre-training text (Deerwester et al. 1990): texts as vectors of their words' company.

Documents are cut into passages; TF-IDF of their words is reduced by a truncated singular value decomposition
(scikit-learn). On our dev rows passages of 400 words without the words that stand in half of them did best.

    lsa.parquet      a line for each word: `word`, `idf`, `vector`, with the most important dimension first

Shapes: N passages, W words, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import check_regular

PASSAGE_WORDS = 400
DIMENSIONS = 200
OPTIONS = {"token_pattern": r"\S+", "lowercase": False, "sublinear_tf": True}
MOST_WORDS = 30_000
"""Words that have a vector, the most frequent ones."""
FILE = "lsa.parquet"


@dataclass(frozen=True)
class Lsa:
    """Vectors of words."""

    words: list[str]
    idf: np.ndarray
    """Inverse document frequencies, shape (W,)."""
    vectors: np.ndarray
    """Shape (W, D)."""

    def of_texts(self, texts: Iterable[str]) -> np.ndarray:
        """Return a vector of length 1 for each text, shape (texts, D); zeros for a text without known words."""
        return unit(self._vectorizer.transform(texts) @ self.vectors)

    @cached_property
    def _vectorizer(self) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(vocabulary=self.words, **OPTIONS)
        vectorizer.idf_ = self.idf
        return vectorizer


def fit_lsa(passages: list[str]) -> Lsa:
    """Return the vectors of the words in some passages; none if fewer than two words are in two of them."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from threadpoolctl import threadpool_limits

    vectorizer = TfidfVectorizer(min_df=2, max_df=0.5, max_features=MOST_WORDS, **OPTIONS)
    none = Lsa([], np.zeros(0), np.zeros((0, DIMENSIONS)))
    try:
        table_NW = vectorizer.fit_transform(passages)
    except ValueError:
        return none
    if table_NW.shape[1] < 2:
        return none
    with threadpool_limits(1):  # the number of threads would change the last digits
        fitted = TruncatedSVD(min(DIMENSIONS, *table_NW.shape), random_state=0).fit(table_NW)
    words = vectorizer.get_feature_names_out().tolist()
    return Lsa(words, vectorizer.idf_, fitted.components_.T.astype(np.float32).astype(np.float64))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1 in their directions; zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def write_lsa(folder: Path, lsa: Lsa) -> None:
    """Write the vectors into a folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    vectors = pa.array(list(lsa.vectors.astype(np.float32)), pa.list_(pa.float32()))
    table = pa.table({"word": pa.array(lsa.words, pa.string()), "idf": pa.array(lsa.idf), "vector": vectors})
    pq.write_table(table, folder / FILE, compression="zstd", store_schema=False)


def read_lsa(folder: Path) -> Lsa:
    """Read what `write_lsa` wrote.

    Raises:
        PretraceError: the file is missing or damaged.
    """
    import pyarrow.parquet as pq

    path = folder / FILE
    check_regular(path, "no such file; run `dvc repro -f text_models`")
    try:
        table = pq.read_table(path, columns=["word", "idf", "vector"])
        words, idf = table["word"].to_pylist(), table["idf"].to_numpy()
        vectors = np.array(table["vector"].to_pylist(), np.float64).reshape(len(words), -1 if words else DIMENSIONS)
    except (OSError, ValueError, KeyError) as error:  # Arrow's own errors are of these kinds
        raise PretraceError(f"{path}: not readable ({error}); run `dvc repro -f text_models`") from None
    return Lsa(words, idf, vectors)
