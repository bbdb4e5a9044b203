"""Settings of a head on frozen features: the transfer method of word vectors and ELMo, beside fine-tuning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pretrace.settings.section import Count, NotNegative, Rate, Section, Share, Width

Transfer = Literal["finetune", "features"]
"""Ways from a pre-trained model to a task. `finetune`: all weights are trained on (GPT-1, BERT). `features`: they stay
as they are, and a head is trained on the states (word2vec, ELMo; Peters et al. 2018)."""


class HeadSettings(Section):
    """A head on frozen features, and its training by AdamW.

    Of a model with several layers it learns the mix: softmax(w) and a factor (Peters et al. 2018, equation 1). Pairs
    are read as [u; v; |u - v|; u * v] (Conneau et al. 2017, section 3.1). Sizes are ours unless a source is named.
    """

    reads: Literal["mean_max", "bilstm"] = "mean_max"
    """The way from a text to a vector. `mean_max`: mean and maximum of its states. `bilstm`: a bidirectional LSTM over
    them and its maximum over time (the baseline of GLUE: Wang et al. 2018, section 5, without its attention)."""
    units: Width = 128
    """Of the LSTM, in each direction (GLUE: 1500)."""
    most_tokens: Count = 128
    """Tokens of a text that the LSTM reads, from its beginning (GLUE: 40 words)."""
    hidden: Annotated[int, Field(ge=0, le=1 << 20)] = 0
    """Units of a hidden layer behind it (GLUE: 512); 0: none, which on means is logistic regression."""
    dropout: Share = 0.2
    """On the vector of an example, and on the hidden layer (GLUE: 0.2)."""
    lr: Rate = 1e-3
    """Learning rate, the same throughout (GLUE: 1e-4)."""
    weight_decay: NotNegative = 0.01
    """Decoupled weight decay, on tensors with at least two dimensions."""
    batch_size: Annotated[int, Field(ge=1, le=10**6)] = 32
    """Examples per step (GLUE: 128)."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    """Passes over the training rows, at most."""
    patience: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Passes without a better score on dev after which training ends (GLUE: 5 checks)."""
