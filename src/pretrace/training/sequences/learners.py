"""The two ways of learning pairs: a source that is encoded and a target that is decoded, or both as one text.

Special tokens are one: the token that ends a document in the vocabulary.

    source end | end target           an encoder-decoder reads these, and predicts: target end
    end source end target             a language model reads this, and predicts: target end (GPT-2)

Loss is on the target and the end behind it alone.

Shapes: B pairs, S tokens of a source, T tokens of a target or of both, N predicted tokens, C width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pretrace.generation.prompt import Prompt, Writer
from pretrace.model.encoder_decoder import EncoderDecoder
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.training.sequences.loss import smoothed_loss
from pretrace.training.sequences.pairs import Pair


class Learner(ABC):
    """A model that learns pairs.

    Args:
        end_id: the token that ends sources and targets.
        longest_target: tokens for which a language model keeps room behind a source.
    """

    def __init__(self, end_id: int, longest_target: int) -> None:
        self.end_id, self._longest_target = end_id, longest_target

    model: EncoderDecoder | LanguageModel

    @property
    def module(self) -> nn.Module:
        """The model, as training takes it."""
        return self.model

    @property
    def writer(self) -> Writer:
        """The model, as generation takes it."""
        return self.model

    @abstractmethod
    def fits(self, pair: Pair) -> bool:
        """Return True if a pair is not too long to be learned."""

    @abstractmethod
    def source_room(self) -> int:
        """Return the most tokens of a source for which a target is written."""

    @abstractmethod
    def prompt(self, source: np.ndarray, more_tokens: int) -> Prompt:
        """Return what the model goes on from, for a source; its end is cut off if it is too long.

        Args:
            more_tokens: tokens that a target may have more than its source.
        """

    @abstractmethod
    def loss(self, pairs: Sequence[Pair], smoothing: float, dropout: Dropout | None) -> Tensor:
        """Return the mean loss of a target's token, ends included, in nats."""

    def predicted(self, pairs: Sequence[Pair]) -> int:
        """Return the number of tokens that the loss is of."""
        return sum(len(pair.target) + 1 for pair in pairs)

    def _padded(self, rows: Sequence[Sequence[int] | np.ndarray]) -> tuple[Tensor, Tensor]:
        """Return rows of ids as a tensor (B, T), filled up with the end, and their lengths (B,)."""
        device = next(self.module.parameters()).device
        lengths = [len(row) for row in rows]
        ids_BT = np.full((len(rows), max(lengths)), self.end_id, np.int64)
        for number, row in enumerate(rows):
            ids_BT[number, : len(row)] = row
        return torch.from_numpy(ids_BT).to(device), torch.tensor(lengths, device=device)


class EncodingLearner(Learner):
    """An encoder-decoder."""

    def __init__(self, model: EncoderDecoder, end_id: int, longest_target: int) -> None:
        super().__init__(end_id, longest_target)
        self.model: EncoderDecoder = model

    def fits(self, pair: Pair) -> bool:
        return pair.longest < self.model.context

    def source_room(self) -> int:
        return self.model.context - 1

    def prompt(self, source: np.ndarray, more_tokens: int) -> Prompt:
        ids = source[: self.source_room()].tolist()
        return Prompt([*ids, self.end_id], tokens=min(len(ids) + more_tokens, self.model.context))

    def loss(self, pairs: Sequence[Pair], smoothing: float, dropout: Dropout | None) -> Tensor:
        end = [self.end_id]
        source_BS, lengths_B = self._padded([np.concatenate([pair.source, end]) for pair in pairs])
        target_BT, counts_B = self._padded([np.concatenate([end, pair.target]) for pair in pairs])
        next_BT, _ = self._padded([np.concatenate([pair.target, end]) for pair in pairs])
        h_BTC = self.model.decode(target_BT, self.model.encode(source_BS, lengths_B, dropout), lengths_B, dropout)
        real_BT = torch.arange(target_BT.shape[1], device=target_BT.device) < counts_B[:, None]
        total = smoothed_loss(
            self.model.logits, h_BTC[real_BT], next_BT[real_BT], smoothing, self.model.vocabulary_size
        )
        return total / self.predicted(pairs)


class ContinuingLearner(Learner):
    """A language model of next tokens."""

    def __init__(self, model: LanguageModel, end_id: int, longest_target: int) -> None:
        super().__init__(end_id, longest_target)
        model.check_is_causal()
        self.model: LanguageModel = model

    def fits(self, pair: Pair) -> bool:
        return len(pair.source) + len(pair.target) + 3 <= self.model.context

    def source_room(self) -> int:
        room = max(self.model.context // 2, self.model.context - 3 - self._longest_target)
        return min(room, self.model.context - 3)

    def prompt(self, source: np.ndarray, more_tokens: int) -> Prompt:
        ids = source[: self.source_room()].tolist()
        room = self.model.context - len(ids) - 2
        return Prompt([self.end_id, *ids, self.end_id], tokens=min(len(ids) + more_tokens, room))

    def loss(self, pairs: Sequence[Pair], smoothing: float, dropout: Dropout | None) -> Tensor:
        end = [self.end_id]
        rows = [np.concatenate([end, pair.source, end, pair.target, end]) for pair in pairs]
        ids_BT, lengths_B = self._padded(rows)
        firsts_B = torch.tensor([len(pair.source) + 2 for pair in pairs], device=ids_BT.device)
        h_BTC = self.model.hidden(ids_BT[:, :-1], dropout)
        places_T = torch.arange(1, ids_BT.shape[1], device=ids_BT.device)
        chosen_BT = (places_T >= firsts_B[:, None]) & (places_T < lengths_B[:, None])
        total = smoothed_loss(
            self.model.logits, h_BTC[chosen_BT], ids_BT[:, 1:][chosen_BT], smoothing, self.model.vocabulary_size
        )
        return total / self.predicted(pairs)


def learner_of(model: EncoderDecoder | LanguageModel, end_id: int, longest_target: int) -> Learner:
    """Return the way in which a model learns pairs."""
    if isinstance(model, EncoderDecoder):
        return EncodingLearner(model, end_id, longest_target)
    return ContinuingLearner(model, end_id, longest_target)
