"""Losses before and after training went on from given weights (`pretrain.continue_from`): what it gained and forgot.

On this corpus's validation text, and on an old text (`pretrain.old_text`), such as that which the weights were
validated with; a model that goes on with new text forgets some of the old (Gururangan et al. 2020, "Don't stop
pretraining", has the gain by domain).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import TEXT_BYTES, read_text
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.models import ContinuedMetrics
from pretrace.settings import MAIN_MODEL, Settings
from pretrace.tokens import Vocabulary, load_vocabulary, vocabulary_folder
from pretrace.training.pretraining.evaluate import validation_loss
from pretrace.training.pretraining.initial_weights import weights_sha256
from pretrace.training.pretraining.trainer import Trainer


def continued_metrics(
    trainer: Trainer, model: LanguageModel, validation_NT: Tensor, settings: Settings
) -> ContinuedMetrics | None:
    """Return the losses of the weights that training began with, and of `model` on the old text; None if it began anew.

    Args:
        model: the trained one, on the trainer's device.
        validation_NT: sequences of this corpus.

    Raises:
        PretraceError: the old text is not there, is no text, or is too short.
    """
    section = settings.pretrain
    if section.continue_from is None or trainer.kind != MAIN_MODEL:
        return None
    start = trainer.initial_model().to(trainer.device.name)

    def loss(of: LanguageModel, ids_NT: Tensor) -> float:
        return round(validation_loss(of, trainer.objective, ids_NT, trainer.device), 6)

    metrics = {"weights_sha256": weights_sha256(section.continue_from), "val_loss_before": loss(start, validation_NT)}
    if section.old_text:
        vocabulary = load_vocabulary(vocabulary_folder(section.continue_from))
        old_NT = old_sequences(section.old_text, vocabulary, trainer.scale.model.context)
        metrics |= {
            "old_loss_before": loss(start, old_NT),
            "old_loss": loss(model, old_NT),
            "old_tokens": old_NT.numel(),
        }
    return ContinuedMetrics(**metrics)


def old_sequences(place: str, vocabulary: Vocabulary, context: int) -> Tensor:
    """Return the tokens of a text as consecutive sequences, (N, context), without the rest at its end.

    Args:
        place: a file of plain text, or a folder, of which all .txt files are read in the order of their names; each
            file is a document.

    Raises:
        PretraceError: there is no such text, it is not UTF-8, or has fewer tokens than one sequence.
    """
    path = Path(place)
    files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
    end = [vocabulary.document_end_id]
    texts = [[*vocabulary.encode_array(vocabulary.prepare(read_text(file, TEXT_BYTES))), *end] for file in files]
    ids_N = np.array([token for text in texts for token in text], np.int64)
    count = len(ids_N) // context
    if not count:
        raise PretraceError(
            f"{place}: pretrain.old_text has {len(ids_N)} tokens in {len(files)} files, fewer than one sequence of "
            f"{context}; takes a file of text, or a folder with .txt files"
        )
    return torch.from_numpy(ids_N[: count * context]).view(count, context)
