"""Losses before and after training went on from given weights (`pretrain.continue_from`): what it gained and forgot.

On this corpus's validation text, and on an old text (`pretrain.old_text`), such as that which the weights were
validated with; a model that goes on with new text forgets some of the old (Gururangan et al. 2020, "Don't stop
pretraining", has the gain by domain).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import TEXT_BYTES, read_text
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.models import ContinuedMetrics
from pretrace.settings import Settings
from pretrace.tokens import Vocabulary, load_vocabulary, vocabulary_folder
from pretrace.training.objectives import Sequences
from pretrace.training.pretraining.evaluate import validation_losses
from pretrace.training.pretraining.initial_weights import weights_sha256
from pretrace.training.pretraining.trainer import Trainer


def continued_metrics(
    trainer: Trainer, model: LanguageModel, validation: Sequences, settings: Settings
) -> ContinuedMetrics | None:
    """Return the losses of the weights that training began with, and of `model` on the old text; None if it began anew.

    Args:
        model: the trained one, on the trainer's device.
        validation: sequences of this corpus.

    Raises:
        PretraceError: the old text is not there, is no text, or is too short.
    """
    section = settings.pretrain
    if section.continue_from is None:
        return None
    start, objective = trainer.initial_model().to(trainer.device.name), trainer.objective

    def loss(of: LanguageModel, sequences: Sequences) -> float:
        return round(validation_losses(of, objective, sequences, trainer.device)[objective.losses[0]], 6)

    metrics: dict[str, Any] = {
        "weights_sha256": weights_sha256(section.continue_from),
        "val_loss_before": loss(start, validation),
    }
    if section.old_text:
        context = trainer.scale.model.context
        text = OldText(section.old_text, load_vocabulary(vocabulary_folder(section.continue_from)), context)
        old = objective.validation(text, context)
        metrics |= {
            "old_loss_before": loss(start, old),
            "old_loss": loss(model, old),
            "old_tokens": old.ids_BT.numel(),
        }
    return ContinuedMetrics(**metrics)


class OldText:
    """A text as a stream of documents, as shards are.

    Args:
        place: a file of plain text, or a folder, of which all .txt files are read in the order of their names; each
            file is a document.
        context: tokens of a sequence.

    Raises:
        PretraceError: there is no such text, it is not UTF-8, or has fewer tokens than one sequence.
    """

    split = "pretrain.old_text"

    def __init__(self, place: str, vocabulary: Vocabulary, context: int) -> None:
        path = Path(place)
        files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
        end = [vocabulary.document_end_id]
        texts = [[*vocabulary.encode_array(vocabulary.prepare(read_text(file, TEXT_BYTES))), *end] for file in files]
        self._ids = np.array([token for text in texts for token in text], np.int64)
        self._starts = np.cumsum([0, *map(len, texts)])
        self.tokens = len(self._ids)
        if self.tokens < context:
            raise PretraceError(
                f"{place}: pretrain.old_text has {self.tokens} tokens in {len(files)} files, fewer than one sequence "
                f"of {context}; takes a file of text, or a folder with .txt files"
            )

    def read(self, start: int, length: int) -> np.ndarray:
        """Return ids `start` to `start + length`, int64."""
        return self._ids[start : start + length]

    def document_starts(self) -> np.ndarray:
        """Return the position of each document's first token, and the end."""
        return self._starts
