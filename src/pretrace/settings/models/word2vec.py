"""Settings of word2vec: skip-gram with negative sampling (Mikolov et al. 2013b, section 2, and released code)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pretrace.settings.section import NotNegative, Rate, Section, Width


class Word2VecSettings(Section):
    """Sizes and training of word vectors; the defaults are those of word2vec.c but for skip-gram in place of CBOW."""

    width: Width = 100
    """Size of a vector (released Google News vectors: 300)."""
    window: Annotated[int, Field(ge=1, le=1000)] = 5
    """Most words between a word and one that it predicts; drawn anew for each word, from 1 (the paper: 5)."""
    negatives: Annotated[int, Field(ge=1, le=1000)] = 5
    """Noise words for each pair of words (section 2.2: 5 to 20 for small texts, 2 to 5 for large ones)."""
    sample: NotNegative = 1e-3
    """Share of a text from which on a word is left out at times, the more often the more frequent it is (section 2.3
    prints 1e-5, for a billion words); 0: never."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Passes over the text."""
    lr: Rate = 0.025
    """Rate of plain gradient descent at the start; it falls in a line to a ten-thousandth of it."""

    @property
    def layers(self) -> int:
        """Layers: the table."""
        return 1

    @property
    def initial_std(self) -> float:
        """Standard deviation of the initial vectors, which are uniform between -0.5 / width and 0.5 / width."""
        return float(1 / (12**0.5 * self.width))

    @property
    def dropout(self) -> float:
        """Dropout in pre-training: none."""
        return 0.0
