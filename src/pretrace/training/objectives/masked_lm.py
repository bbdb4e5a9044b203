"""Masked language modeling: predict some tokens from all others (BERT: Devlin et al. 2018, section 3.1, and its code).

A sequence is `[CLS] text [SEP]`, the text of one document (pretrace.tokens.shards.document_windows), or with
next-sentence prediction `[CLS] text [SEP] text [SEP]` (pretrace.tokens.shards.sentence_pairs). The loss is the mean
over the masked tokens of the batch; next-sentence prediction adds the mean over its sequences.

Random numbers of a sequence are a counter's, keyed by the seed, its window and its epoch (`masks: dynamic`), or the
epoch's copy (`static`). These follow from seed, step and sequence, so a run resumes with the same, on any number of
ranks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.language_model import LanguageModel
from pretrace.model.loss import next_token_loss
from pretrace.model.transformer import Transformer
from pretrace.settings import ObjectiveSettings
from pretrace.tokens.shards.document_windows import DocumentWindows
from pretrace.tokens.shards.mix import SourceMix, check_source
from pretrace.tokens.shards.read import Shards, TokenStream
from pretrace.tokens.shards.sampler import (
    TO_UNIT,
    Order,
    batch_windows,
    check_sequences,
    random_bits,
    sequence_order,
)
from pretrace.tokens.shards.sentence_pairs import DRAWS, SentencePairs
from pretrace.training.engine.device import Device
from pretrace.training.objectives import MaskedRows, MicroBatch, Objective, Sequences
from pretrace.training.objectives.masks import NOTHING, mask, masked_count
from pretrace.training.objectives.special_tokens import SpecialTokens

OVERLAP, TEXTS, MASKS = 2, 3, 4
"""Purposes of random numbers beside the sampler's: each has its own range of the generator's counter."""


class _Text(NamedTuple):
    """One or two texts of a sequence, without the special tokens around them."""

    parts: tuple[np.ndarray, ...]
    random: bool
    """True if the second does not follow the first."""
    key: tuple[int, int]
    """Key of the random numbers of its masks."""
    documents: tuple[int, ...]
    """Documents of the texts, by their numbers in the stream."""

    @property
    def length(self) -> int:
        """Tokens of the sequence."""
        return 1 + sum(len(part) + 1 for part in self.parts)

    def ids(self, special: SpecialTokens) -> np.ndarray:
        """Return the ids of the sequence, shape (length,)."""
        ends = np.array([special.separator])
        return np.concatenate([[special.first], *(piece for part in self.parts for piece in (part, ends))])


class MaskedLM(Objective):
    """Masked tokens, with or without next-sentence prediction.

    Args:
        special: ids of the vocabulary.
    """

    def __init__(self, settings: ObjectiveSettings, special: SpecialTokens, vocabulary_size: int) -> None:
        self.settings, self.special, self.vocabulary_size = settings, special, vocabulary_size
        self.predicted_share: float = settings.mask_rate
        self.losses = ("val_masked_loss", *["val_next_sentence_loss"] * settings.next_sentence)

    def fingerprint(self) -> dict[str, object]:
        """Return what the result depends on beside the settings, the shards and the code."""
        return {"special_tokens": self.special}

    def reader(self, shards: Shards, context: int, seed: int) -> Callable[[range, range], Sequences]:
        """Return the function that reads some sequences of a batch."""
        texts = self._texts(shards, context, seed)

        def read(batch: range, chosen: range) -> Sequences:
            whole = texts.of_batch(batch)
            return self._sequences([whole[number] for number in chosen], context, self._predicted(whole))

        return read

    def documents(self, shards: Shards, context: int, batch: range, seed: int) -> list[int]:
        """Return the documents of a batch, by their numbers in the stream."""
        texts = self._texts(shards, context, seed).of_batch(batch)
        return sorted({number for text in texts for number in text.documents})

    def validation(self, shards: TokenStream, context: int) -> Sequences:
        """Return the validation text in its order, always with the same masks."""
        whole = _Texts(shards, self.settings, self.special, context, seed=0).in_order()
        return self._sequences(whole, context, self._predicted(whole))

    def example(self, ids: np.ndarray) -> Sequences:
        """Return sequences made of random ids (B, T), which take as long as others."""
        room = ids.shape[1] - 3 if self.settings.next_sentence else ids.shape[1] - 2
        cuts = [room // 2] if self.settings.next_sentence else []
        whole = [_Text(tuple(np.split(row[:room], cuts)), False, (0, n), ()) for n, row in enumerate(ids)]
        return self._sequences(whole, ids.shape[1], self._predicted(whole))

    def loss(self, model: LanguageModel, batch: MicroBatch, dropout: float, device: Device) -> Tensor:
        """Return the micro-batch's share of the batch's mean loss (nats)."""
        return sum(self.measure(model, batch, dropout, device).values(), torch.zeros((), device=device.name))

    def measure(self, model: LanguageModel, batch: MicroBatch, dropout: float, device: Device) -> dict[str, Tensor]:
        """Return the micro-batch's shares of the batch's losses (nats), by their names in `losses`."""
        rows, masks = batch.masked, batch.dropout(dropout)
        assert rows is not None and isinstance(model, Transformer)
        chosen = (rows.targets_BT.reshape(-1) != NOTHING).nonzero().squeeze(1)
        targets_N = rows.targets_BT.reshape(-1)[chosen]
        weights_N = torch.full((len(chosen),), 1.0 / rows.predicted, device=batch.ids_BT.device)
        with device.autocast():
            h_BTC = model.hidden(batch.ids_BT, masks, segments_BT=rows.segments_BT, lengths_B=rows.lengths_B)
            h_NC = h_BTC.reshape(-1, h_BTC.shape[-1])[chosen]
            found = {self.losses[0]: next_token_loss(model, h_NC, targets_N, weights_N, device.dtype, masks)}
            if rows.random_B is not None:
                logits_B2 = model.next_sentence_logits(h_BTC[:, 0]).float()
                found[self.losses[1]] = F.cross_entropy(logits_B2, rows.random_B, reduction="sum") / batch.batch_size
        return found

    def _texts(self, shards: Shards, context: int, seed: int) -> _Texts | _MixedTexts:
        if shards.mix:
            return _MixedTexts(SourceMix(shards), self.settings, self.special, context, seed)
        return _Texts(shards, self.settings, self.special, context, seed)

    def _predicted(self, texts: list[_Text]) -> int:
        """Return how many tokens are predicted in a batch."""
        return sum(masked_count(text.length, 1 + len(text.parts), self.settings) for text in texts)

    def _sequences(self, texts: list[_Text], context: int, predicted: int) -> Sequences:
        ids_BT, segments_BT = np.full((len(texts), context), self.special.padding), np.zeros((len(texts), context), int)
        targets_BT = np.full((len(texts), context), NOTHING)
        for row, text in enumerate(texts):
            ids = text.ids(self.special)
            read, targets = mask(ids, self.special, self.settings, self.vocabulary_size, random_bits(*text.key, MASKS))
            ids_BT[row, : len(ids)], targets_BT[row, : len(ids)] = read, targets
            segments_BT[row, 2 + len(text.parts[0]) : len(ids)] = 1
        lengths = [text.length for text in texts]
        pairs = self.settings.next_sentence
        rows = MaskedRows(
            targets_BT=torch.from_numpy(targets_BT),
            predicted=predicted,
            lengths_B=None if min(lengths, default=context) == context else torch.tensor(lengths),
            segments_BT=torch.from_numpy(segments_BT) if pairs else None,
            random_B=torch.tensor([int(text.random) for text in texts]) if pairs else None,
        )
        return Sequences(torch.from_numpy(ids_BT), rows)


class _Texts:
    """The texts of sequences, by their numbers in the training."""

    def __init__(
        self, shards: TokenStream, settings: ObjectiveSettings, special: SpecialTokens, context: int, seed: int
    ) -> None:
        self.shards, self.settings, self.context, self.seed = shards, settings, context, seed
        room = context - 3 if settings.next_sentence else context - 2
        self.windows = DocumentWindows(shards, room)
        self.pairs: SentencePairs | None = None
        if settings.next_sentence:
            ends, short = special.sentence_ends, settings.short_share
            self.pairs = SentencePairs(shards, self.windows, ends, room, short)

    def of_batch(self, batch: range) -> list[_Text]:
        """Return the texts of a batch.

        Raises:
            PretraceError: an epoch has fewer.
        """
        check_sequences(self.shards, self.context, batch, self.windows.count)
        return self.numbered(batch, sequence_order)

    def numbered(self, batch: range, order: Order) -> list[_Text]:
        """Return the texts of a batch of any length, if there are any; `order` is that of an epoch's windows."""
        texts, static = [], self.settings.masks == "static"
        for epoch, windows in batch_windows(batch, self.seed, self.windows.count, order):
            copy = epoch % self.settings.copies if static else epoch
            overlap = int(random_bits(self.seed, copy, OVERLAP).random_raw()) * TO_UNIT
            keys = [copy * self.windows.count + int(window) for window in windows]
            texts += self._texts(windows, keys, overlap)
        return texts

    def in_order(self) -> list[_Text]:
        """Return all texts, once each."""
        windows = np.arange(self.windows.count)
        return self._texts(windows, windows.tolist(), 0.0)

    def _texts(self, windows: np.ndarray, keys: list[int], overlap: float) -> list[_Text]:
        starts, lengths = self.windows.spans(windows, overlap)
        documents, texts = self.windows.documents(windows), []
        for document, start, length, number in zip(documents, starts, lengths, keys, strict=True):
            key, own = (self.seed, number), int(self.windows.numbers[document])
            if self.pairs is None:
                texts.append(_Text((self.shards.read(int(start), int(length)),), False, key, (own,)))
            else:
                draws = random_bits(*key, TEXTS).random_raw(DRAWS)
                pair = self.pairs.pair(int(document), int(start), draws)
                both = own, int(self.windows.numbers[pair.document])
                texts.append(_Text((pair.first, pair.second), pair.random, key, both))
        return texts


class _MixedTexts:
    """The texts of sequences where sources are read by weight: each source has texts of its own.

    Raises:
        PretraceError: a source has none.
    """

    def __init__(
        self, mix: SourceMix, settings: ObjectiveSettings, special: SpecialTokens, context: int, seed: int
    ) -> None:
        self._mix = mix
        seeds = [mix.seed(number, seed) for number in range(len(mix.streams))]
        pairs = zip(mix.streams, seeds, strict=True)
        self._texts = [_Texts(stream, settings, special, context, own) for stream, own in pairs]
        for stream, texts in zip(mix.streams, self._texts, strict=True):
            check_source(stream, texts.windows.count, context)

    def of_batch(self, batch: range) -> list[_Text]:
        """Return the texts of a batch, with their documents in the stream of the shards."""
        by_place: dict[int, _Text] = {}
        for share in self._mix.shares(batch):
            documents = self._mix.streams[share.number].documents
            texts = self._texts[share.number].numbered(share.sequences, self._mix.orders[share.number])
            for place, text in zip(share.places.tolist(), texts, strict=True):
                by_place[place] = text._replace(documents=tuple(int(documents[n]) for n in text.documents))
        return [by_place[place] for place in range(len(batch))]
