"""Texts that grow together, a token each at a time; others join when there is room (continuous batching).

A text is the same whatever else is in the batch, in which order and how much: its logits are (`model.decoder`), and its
tokens are drawn by a generator of its own.

Shapes: N texts, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

from pretrace.generation.continuation import Continuation
from pretrace.generation.draw import allowed, draw
from pretrace.generation.prompt import Generation, Prompt, Writer
from pretrace.model.shared_beginnings import common_length
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens.vocabulary import Vocabulary


class Row:
    """A prompt and its continuation.

    Args:
        log_probabilities: None keeps none; 0 those of the tokens; more, also so many of the likeliest ones.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        prompt: Prompt,
        settings: GenerationSettings,
        log_probabilities: int | None = None,
    ) -> None:
        self.prompt, self.settings, self.keeps = prompt, settings, log_probabilities
        self.continuation = Continuation(vocabulary, prompt, settings)
        self.generator = torch.Generator().manual_seed(prompt.seed)
        self.likeliest: list[list[tuple[int, float]]] = []
        """For each token the ids and log-probabilities of those that were the likeliest, if they are kept."""
        self.left = False
        """True: nobody wants it any more."""

    @property
    def ended(self) -> bool:
        return self.left or self.continuation.reason is not None

    @property
    def result(self) -> Generation:
        """The continuation of a row that has ended by itself."""
        return self.continuation.result()


class Batch:
    """Rows in the slots of a decoder.

    Args:
        slots: most rows at once.
        positions: most tokens of a text.
        remembered: number of prompts whose keys and values stay when their rows have gone, for prompts that begin as
            they do: those used last.
    """

    def __init__(self, model: Writer, vocabulary: Vocabulary, slots: int, positions: int, remembered: int = 0) -> None:
        self._vocabulary, self._slots = vocabulary, slots
        self._decoder = model.decoder(slots + remembered, positions)
        self._remembered: dict[int, list[int]] = {slots + number: [] for number in range(remembered)}
        """Prompts by the slots behind those of the rows, the one used last at the end."""
        self.rows: list[Row] = []
        """By their slots; those that have ended are in theirs until the next step."""

    @property
    def room(self) -> int:
        """Number of rows that can join."""
        return self._slots - sum(not row.ended for row in self.rows)

    @torch.inference_mode()
    def join(self, rows: Sequence[Row]) -> None:
        """Read the prompts of rows, at most `room` of them, and draw their first tokens."""
        if self._remembered:
            self._close_gaps()
            first = 0
            while first < len(rows):
                part = rows[first : first + len(self._remembered)]
                self._join_remembered(part)
                first += len(part)
            return
        ended = [slot for slot, row in enumerate(self.rows) if row.ended]
        slots = [*ended, *range(len(self.rows), self._slots)][: len(rows)]
        for slot, row in zip(slots, rows, strict=True):
            self.rows[slot : slot + 1] = [row]
        self._choose(rows, self._decoder.read(slots, [row.prompt.ids for row in rows]))

    @torch.inference_mode()
    def step(self) -> None:
        """Let rows go that have ended, and draw a token for each of the others."""
        self._close_gaps()
        if self.rows:
            self._choose(self.rows, self._decoder.step([row.continuation.ids[-1] for row in self.rows]))

    def _join_remembered(self, rows: Sequence[Row]) -> None:
        """Read prompts in slots where they stay, and go on in the next ones of rows."""
        slots = [self._slot_to_remember(row.prompt.ids) for row in rows]
        logits_NV = self._decoder.read(slots, [row.prompt.ids for row in rows])
        self._decoder.arrange([*range(len(self.rows)), *slots])
        self.rows += rows
        self._choose(rows, logits_NV)

    def _slot_to_remember(self, ids: list[int]) -> int:
        """Return the slot of a prompt that this one goes on from, or of the one that was not used for longest."""
        whole = [slot for slot, known in self._remembered.items() if known and common_length(known, ids) == len(known)]
        slot = max(whole, key=lambda slot: len(self._remembered[slot]), default=next(iter(self._remembered)))
        del self._remembered[slot]
        self._remembered[slot] = ids
        return slot

    def _close_gaps(self) -> None:
        """Move the last texts to slots of texts that have ended, so that those in use are the first ones."""
        order = [slot for slot, row in enumerate(self.rows) if not row.ended]
        used = len(order)
        behind = [slot for slot in order if slot >= used]
        kept = [slot if not self.rows[slot].ended else behind.pop() for slot in range(used)]
        if len(self.rows) != used:
            self._decoder.arrange(kept)
            self.rows = [self.rows[slot] for slot in kept]

    def _choose(self, rows: Sequence[Row], logits_NV: Tensor) -> None:
        logits_NV = logits_NV.float().cpu()
        allowed_NV = allowed(logits_NV, self._vocabulary)
        numbers = sorted(range(len(rows)), key=lambda number: _draws_as(rows[number]))
        for _, same in groupby(numbers, lambda number: _draws_as(rows[number])):
            group = list(same)
            chosen = [rows[number] for number in group]
            ids = draw(allowed_NV[group], [row.generator for row in chosen], chosen[0].settings)
            for number, row, index in zip(group, chosen, ids, strict=True):
                row.continuation.add(index, None if row.keeps is None else _note(row, logits_NV[number], index))


def _draws_as(row: Row) -> tuple[float, ...]:
    """Return what rows have in common that are drawn together."""
    return row.settings.temperature, row.settings.top_k or 0, row.settings.top_p


def _note(row: Row, logits_V: Tensor, index: int) -> float:
    """Return the log-probability of a token, and keep those of the likeliest ones if the row asks for them."""
    log_p_V = torch.log_softmax(logits_V, -1)
    if row.keeps:
        top = log_p_V.topk(min(row.keeps, len(log_p_V)))
        row.likeliest.append(list(zip(top.indices.tolist(), top.values.tolist(), strict=True)))
    return float(log_p_V[index])
