"""The interface of every language model, and the capabilities that callers ask for instead of its class.

A new model is a subclass and an entry in `pretrace.model.build.MODELS`.

Shapes: B batch, T time, N tokens of packed sequences, C hidden width, E width of the token table, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.common.errors import PretraceError
from pretrace.model.decoder import Decoder, UncachedDecoder
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.packed_sequences import Layout
from pretrace.schemas.models import ModelConfig
from pretrace.settings import ModelKind, Sizes


class LanguageModel(nn.Module, ABC):
    """A language model whose output is tied to its token embeddings."""

    kind: ClassVar[ModelKind]
    """Name in `MODELS`, in `config.json` and in params.yaml."""
    settings_type: ClassVar[type[Sizes]]
    """Type of `settings`."""
    attends: ClassVar[bool]
    """True if tokens attend to one another: a sequence costs the square of its length."""
    bfloat16_on_any_cpu: ClassVar[bool] = True
    """False if PyTorch has bfloat16 kernels only for CPUs with bfloat16 products in hardware."""
    not_each_token: ClassVar[tuple[str, ...]] = ()
    """Parameters, by the beginning of a part of their names, that do not multiply each token: tables that are only
    looked up, outputs of a whole sequence, and what multiplies distances."""
    output_bias: nn.Parameter | None
    """Bias (V,) of the logits."""

    settings: Sizes
    token_embedding: nn.Embedding
    blocks: nn.ModuleList
    """Layers of one form that can be compiled, sharded and replaced one by one; empty if there are none."""
    compiled_block: Callable[..., Tensor] | None = None
    """Compiled forward pass of a block, used while gradients are recorded; None runs it eagerly."""

    def __init__(self) -> None:
        super().__init__()
        self.register_parameter("output_bias", None)

    @classmethod
    @abstractmethod
    def create(cls, settings: Any, vocabulary_size: int, context: int, seed: int = 0) -> LanguageModel:
        """Return a model with random weights; the same seed gives the same bytes.

        Args:
            settings: of the kind's own section of a scale.
            context: longest sequence in tokens.
        """

    @property
    @abstractmethod
    def width(self) -> int:
        """Width of the hidden states."""

    @property
    def is_causal(self) -> bool:
        """True if no token sees those behind it."""
        return True

    @property
    def memory(self) -> int:
        """Tokens of its context that pre-training remembers and does not read at once."""
        return 0

    @property
    def sums_by_unit(self) -> bool:
        """True if one pass can compute several units (pretrace.model.kernels.units); else each takes a pass."""
        return False

    @property
    def has_segments(self) -> bool:
        """True if `hidden` takes the segment of each token."""
        return False

    @property
    def has_pooler(self) -> bool:
        """True if it has learned to pool the state of a first token (BERT's next-sentence prediction)."""
        return False

    def check_is_causal(self) -> None:
        """Check that the model predicts next tokens.

        Raises:
            PretraceError: it does not.
        """
        if not self.is_causal:
            raise PretraceError(
                "this model has `attention: full`: it is not trained to predict the next token, so it writes no text "
                "and has no perplexity; `causal` and `banded` models do"
            )

    @property
    def shares_beginnings(self) -> bool:
        """True if several sequences can follow one shared beginning, which is then read once."""
        return False

    @abstractmethod
    def hidden(self, ids_BT: Tensor, dropout: Dropout | None = None, layout: Layout | None = None) -> Tensor:
        """Return the final hidden states (B, T, C) of token ids (B, T), T <= context; with a `layout`, (N, C) of (N,).

        Args:
            dropout: of the rows, or of the layout; good for one pass.
        """

    @property
    def state_layers(self) -> int:
        """Number of layers of `layer_states`."""
        return 1

    def layer_states(self, ids_BT: Tensor, lengths_B: Tensor | None = None) -> Iterator[Tensor]:
        """Yield the states (B, T, C) of each layer, from the bottom, without dropout: by default the last layer's.

        Args:
            lengths_B: tokens of each sequence: the rest is padding, on which no token's state depends; None: all.
        """
        yield self.hidden(ids_BT)

    def output_states(self, h_BTC: Tensor) -> Tensor:
        """Return what the tied output multiplies (B, T, E): by default the hidden states themselves."""
        return h_BTC

    def output_weight(self, dropout: Dropout | None = None) -> Tensor:
        """Return the output's weight (V, E): the token table, as `hidden` reads it with this dropout."""
        return self.token_embedding.weight

    def logits(self, h_NC: Tensor) -> Tensor:
        """Return the logits (N, V) of hidden states (N, C), without dropout; N stands for any number of axes."""
        return F.linear(self.output_states(h_NC), self.output_weight(), self.output_bias)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Return the logits (B, T, V) for token ids (B, T): of each next token, if the model is causal."""
        return self.logits(self.hidden(ids_BT))

    @abstractmethod
    def traceable_hidden(self, ids_BT: Tensor) -> Tensor:
        """Return `hidden` (B, T, C) up to rounding, by PyTorch's own operations only, for ONNX and TorchScript."""

    def decoder(self, slots: int, positions: int) -> Decoder:
        """Return a decoder for generation: by default it reads the last `longest_prompt` tokens anew each time.

        Args:
            slots: most texts at once.
            positions: most tokens of a text.

        Raises:
            PretraceError: the model does not predict next tokens.
        """
        self.check_is_causal()
        device, longest = self.token_embedding.weight.device, longest_prompt(self.context)
        return UncachedDecoder(lambda ids: self(torch.tensor([ids[-longest:]], device=device))[0, -1])

    def decoder_bytes(self, positions: int) -> int:
        """Return the bytes that a decoder keeps for a text of so many tokens."""
        return 0

    @property
    @abstractmethod
    def context(self) -> int:
        """Longest sequence in tokens."""

    @property
    def vocabulary_size(self) -> int:
        """Rows of the token table, special tokens included."""
        return self.token_embedding.num_embeddings

    def add_tokens(self, count: int, generator: torch.Generator) -> None:
        """Append `count` rows from N(0, initial_std) to the token table."""
        old_VE = self.token_embedding.weight.data
        new_SE = torch.randn(count, old_VE.shape[1], generator=generator) * self.settings.initial_std
        self.token_embedding = nn.Embedding.from_pretrained(torch.cat([old_VE, new_SE]), freeze=False)
        if self.output_bias is not None:
            self.output_bias = nn.Parameter(F.pad(self.output_bias.data, (0, count)))

    def multiplied_weights(self, predicts: bool = True) -> int:
        """Return how many weights multiply each token; `predicts` counts the output."""
        left_out = self.not_each_token if predicts else (*self.not_each_token, "token_embedding", "output_")
        return sum(
            parameter.numel()
            for name, parameter in self.named_parameters()
            if parameter.dim() > 1 and not any(part.startswith(left_out) for part in name.split("."))
        )

    def attention_flops(self, lengths: np.ndarray, memory: int = 0) -> int:
        """Return the FLOPs of attention in a forward pass over sequences of so many tokens.

        Args:
            memory: tokens before each sequence that it attends to.
        """
        return 0

    def describe(self) -> ModelConfig:
        """Return the contents of `config.json`, from which `described_model` makes a model of the same sizes."""
        return ModelConfig(
            kind=self.kind,
            vocabulary_size=self.vocabulary_size,
            context=self.context,
            settings=self.settings.model_dump(exclude_defaults=True),
        )


class ModelWithoutPositions(LanguageModel):
    """A model that would read texts of any length: its context is what it is told, so that all systems read the same.

    Subclasses have the parameters `settings`, `vocabulary_size`, `context` and `seed`, in this order.
    """

    attends = False

    def __init__(self, settings: Sizes, context: int) -> None:
        super().__init__()
        self.settings = settings
        self._context = context
        self.blocks = nn.ModuleList()

    @classmethod
    def create(cls, settings: Any, vocabulary_size: int, context: int, seed: int = 0) -> Self:
        """Return a model with random weights; the same seed gives the same bytes."""
        make: Any = cls
        model: Self = make(settings, vocabulary_size, context, seed)
        return model

    @property
    def context(self) -> int:
        """Longest sequence in tokens."""
        return self._context


def longest_prompt(context: int) -> int:
    """Return how many tokens a model with such a context reads to predict the next one (ours): one fewer, as
    pre-training never predicts from the last position.
    """
    return max(1, context - 1)


@torch.no_grad()
def initialize(module: nn.Module, std: float, seed: int) -> None:
    """Draw weights and embeddings from N(0, std), set biases to 0 and layer-norm gains to 1 (section 4.1).

    The draws of a parameter depend on those before it, so a new one is registered behind them.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        if parameter.is_meta:
            return  # there is nothing to draw, and PyTorch takes milliseconds for each tensor
        if parameter.dim() > 1:
            parameter.normal_(0.0, std, generator=generator)
        elif name.endswith("weight"):
            parameter.fill_(1.0)
        else:
            parameter.zero_()
