"""The interface of generation: texts that grow token by token, many at once, and the logits of their next tokens.

Each text is in a slot, counted from 0; the slots in use are the first ones. A new text may take the slot of one that
has ended (continuous batching), and a slot may take over the text of another (beam search).

Shapes: N texts, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


class Decoder(ABC):
    """Texts in slots. The logits of a text depend on that text alone: not on the others, their number, or its slot."""

    def __init__(self) -> None:
        self.texts: list[list[int]] = []
        """Ids of the text in each slot in use."""

    @torch.inference_mode()
    def read(self, slots: Sequence[int], texts: Sequence[Sequence[int]]) -> Tensor:
        """Begin texts, none of them empty, in slots that are free from now on; return the logits (N, V) after each.

        Args:
            slots: in use, or the next ones after those.
        """
        self.texts += [[] for _ in range(max(slots) + 1 - len(self.texts))]
        logits_NV = self._read(slots, texts)
        for slot, text in zip(slots, texts, strict=True):
            self.texts[slot] = list(text)
        return logits_NV

    @torch.inference_mode()
    def step(self, ids: Sequence[int]) -> Tensor:
        """Append an id to the text in each slot in use; return the logits (N, V) after it."""
        for text, added in zip(self.texts, ids, strict=True):
            text.append(added)
        return self._step()

    @torch.inference_mode()
    def arrange(self, sources: Sequence[int]) -> None:
        """Put into slots 0, 1, ... the texts that are in the slots `sources`; the slots after them are free."""
        self._arrange(sources)
        self.texts = [list(self.texts[source]) for source in sources]

    @abstractmethod
    def _read(self, slots: Sequence[int], texts: Sequence[Sequence[int]]) -> Tensor: ...

    @abstractmethod
    def _step(self) -> Tensor: ...

    @abstractmethod
    def _arrange(self, sources: Sequence[int]) -> None: ...


class UncachedDecoder(Decoder):
    """Reads each text alone and anew for each next token.

    Args:
        logits: from the ids of a text to the logits (V,) of its next token.
    """

    def __init__(self, logits: Callable[[Sequence[int]], Tensor]) -> None:
        super().__init__()
        self._logits = logits

    def _read(self, slots: Sequence[int], texts: Sequence[Sequence[int]]) -> Tensor:
        return torch.stack([self._logits(text) for text in texts])

    def _step(self) -> Tensor:
        return torch.stack([self._logits(text) for text in self.texts])

    def _arrange(self, sources: Sequence[int]) -> None:
        """Do nothing: there is no state."""
