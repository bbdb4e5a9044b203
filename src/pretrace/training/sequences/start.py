"""The start of a training on pairs: its vocabulary, and a model of random or pre-trained weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_file
from pretrace.corpus import Document
from pretrace.corpus.documents import write_documents
from pretrace.model.build import build_model
from pretrace.model.checkpoints.load import load_model
from pretrace.model.encoder_decoder import EncoderDecoder
from pretrace.model.language_model import LanguageModel
from pretrace.sequences.rows import SequenceRow
from pretrace.settings import Settings
from pretrace.settings.scale import ENCODER_DECODER, Scale
from pretrace.tokens import load_vocabulary, train_on_documents
from pretrace.tokens.vocabulary import Vocabulary
from pretrace.training.sequences.pairs import source_text

VOCABULARY = "vocabulary"


class Start(NamedTuple):
    """The start of a learner's trainings."""

    scale: Scale
    vocabulary: Vocabulary
    weights: Path | None
    """Folder of the pre-trained model; None: random weights."""

    def model(self, seed: int) -> EncoderDecoder | LanguageModel:
        """Return the model before its first step."""
        if self.weights is not None:
            return load_model(self.weights)
        if self.scale.kind == ENCODER_DECODER:
            return EncoderDecoder(self.scale.model, self.vocabulary.size, seed)
        return build_model(self.scale, self.vocabulary.size, seed)

    def describe(self) -> dict[str, Any]:
        """Return all that a model depends on, besides the seed."""
        if self.weights is not None:
            return {"weights": sha256_of_file(self.weights / "model.safetensors")}
        return {"kind": self.scale.kind, "sizes": self.scale.sizes.model_dump(exclude_defaults=True)}


def start_of(settings: Settings, name: str, train: Sequence[SequenceRow], pretrained: Path, scratch: Path) -> Start:
    """Return the start of a learner; without a pre-training its vocabulary is trained on the training rows.

    Args:
        pretrained: folder of the pre-trained models, by system.
        scratch: folder for the texts and the vocabulary.

    Raises:
        PretraceError: there is no such pre-trained model, or too little text for the vocabulary.
    """
    learner, scale = settings.learners[name], settings.learner_scale(name)
    if learner.pretrained:
        system = settings.system_of_learner(name)
        weights = pretrained / system / next(iter(settings.of_system(system).pretrainings()))
        return Start(scale, load_vocabulary(weights / VOCABULARY), weights)
    texts, out = scratch / "texts", scratch / VOCABULARY
    texts.mkdir(parents=True, exist_ok=True)
    write_documents(texts, _documents(train))
    more = scratch, scratch / "prepared", None, settings.text.language
    try:
        train_on_documents(scale.vocabulary, texts, out, *more)
    except PretraceError as error:
        raise PretraceError(f"learners.{name}: its vocabulary is trained on the task's own pairs: {error}") from None
    return Start(scale, load_vocabulary(out), None)


def _documents(rows: Sequence[SequenceRow]) -> Iterator[Document]:
    """Yield sources and targets, each a document."""
    for number, row in enumerate(rows):
        for name, text in (("source", source_text(row)), ("target", row.targets[0])):
            yield Document(id=f"{number}/{name}", source=name, text=text)
