"""Opens the model whose states are features."""

from __future__ import annotations

from pathlib import Path

from pretrace.model.word2vec import Word2Vec
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import Settings
from pretrace.training.engine.device import Device
from pretrace.training.features.states import ModelStates, StateReader
from pretrace.training.features.word_states import WordStates
from pretrace.training.finetuning.finetune import starting_model


def open_reader(
    settings: Settings,
    variant: str,
    vocabulary_size: int,
    pretrained: Path | None,
    seed: int,
    record: TaskRecord,
    device: Device,
) -> StateReader:
    """Return what reads the states of the model that a variant starts from, none of whose weights is trained again.

    Args:
        pretrained: folder of the pre-trained model; None for random weights.
        seed: of random weights.
        record: of the task, with special tokens of the vocabulary.

    Raises:
        PretraceError: the model is missing or damaged.
    """
    model = starting_model(settings, variant, vocabulary_size, pretrained, seed)
    if isinstance(model, Word2Vec):
        return WordStates(model.token_embedding.weight.detach().numpy())
    return ModelStates(model, device, record.first_id, record.separator_id)
