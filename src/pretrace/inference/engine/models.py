"""The models of the server: opened by name, within a bound of memory; those that nobody uses give way."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pretrace.common.code import code_hash
from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_file
from pretrace.common.units import readable_bytes
from pretrace.generation import Batch
from pretrace.inference.engine.limits import ServerLimits
from pretrace.model import LanguageModel, load_model
from pretrace.tokens import Vocabulary
from pretrace.training.alignment.text.chat_template import chat_vocabulary


@dataclass
class ServedModel:
    """A model that is in memory, with the texts that grow in it."""

    name: str
    model: LanguageModel
    vocabulary: Vocabulary
    fingerprint: str
    """Hash of the weights, the vocabulary and the code: the same one answers a seed with the same bytes."""
    batch: Batch
    bytes: int
    """Of weights, keys and values."""

    @property
    def context(self) -> int:
        """Most tokens of a prompt and its continuation."""
        return self.model.context


@dataclass
class Entry:
    """A model by its name, in memory or not."""

    folder: Path
    fingerprint: str
    vocabulary: Vocabulary
    context: int
    bytes: int
    loaded: ServedModel | None = field(default=None, repr=False)


class Shelf:
    """Models by name. Only the thread of the engine opens and drops them, once they have been looked at.

    Args:
        folders: of the models; the name is what was given, or the last part of it where that tells them apart.

    Raises:
        PretraceError: a model is damaged, predicts no next tokens, does not fit its vocabulary, or is larger than the
            bound; the text names it.
    """

    def __init__(self, folders: Sequence[str], limits: ServerLimits) -> None:
        self.limits = limits
        self.entries: dict[str, Entry] = {}
        """By name, the one used last at the end."""
        code = code_hash("pretrace.inference.engine.thread")
        for name, folder in names_of(folders).items():
            served = self._open(name, Path(folder), code)
            self.entries[name] = Entry(
                Path(folder), served.fingerprint, served.vocabulary, served.context, served.bytes, served
            )
            self._make_room(0)
        self.order = tuple(self.entries)
        """Names as given."""

    @property
    def loaded(self) -> list[ServedModel]:
        """Models that are in memory."""
        return [entry.loaded for entry in list(self.entries.values()) if entry.loaded]

    def get(self, name: str) -> ServedModel | None:
        """Return a model, opened if it is not; None: those in memory are in use, and there is no room beside them."""
        entry = self.entries[name]
        if entry.loaded is None:
            if not self._make_room(entry.bytes):
                return None
            entry.loaded = self._open(name, entry.folder, "")
            entry.loaded.fingerprint = entry.fingerprint
        self.entries[name] = self.entries.pop(name)
        return entry.loaded

    def _make_room(self, needed: int) -> bool:
        """Drop models without texts, those used longest ago first, until there is room; return True if there is."""
        for entry in list(self.entries.values()):
            if sum(one.bytes for one in self.loaded) + needed <= self.limits.memory_bytes:
                return True
            if entry.loaded and not entry.loaded.batch.rows:
                entry.loaded = None
        return sum(one.bytes for one in self.loaded) + needed <= self.limits.memory_bytes

    def _open(self, name: str, folder: Path, code: str) -> ServedModel:
        model = load_model(folder).eval()
        model.check_is_causal()
        vocabulary = chat_vocabulary(folder)
        if vocabulary.size != model.vocabulary_size:
            raise PretraceError(
                f"{folder}: the model has {model.vocabulary_size:,} tokens, its vocabulary {vocabulary.size:,}"
            )
        size = model.decoder_bytes(model.context)
        weights = sum(parameter.nbytes for parameter in model.parameters())
        spare = (self.limits.memory_bytes - weights) // size if size else self.limits.rows
        if spare < 1:
            raise PretraceError(
                f"{folder}: takes {readable_bytes(weights + size)} for one text, more than the bound of "
                f"{readable_bytes(self.limits.memory_bytes)}; give more with --memory"
            )
        rows = min(self.limits.rows, max(1, spare // 2))
        remembered = min(self.limits.remembered, spare - rows) if size else 0
        batch = Batch(model, vocabulary, rows, model.context, remembered)
        files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".npy"))
        parts = [code, vocabulary.fingerprint, *(sha256_of_file(path) for path in files)] if code else []
        fingerprint = f"fp_{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:16]}"
        return ServedModel(name, model, vocabulary, fingerprint, batch, weights + (rows + remembered) * size)


def names_of(folders: Sequence[str]) -> dict[str, str]:
    """Return folders by the names that clients give: the fewest last parts that tell them apart."""
    parts = {folder: Path(folder).resolve().parts for folder in dict.fromkeys(folders)}
    names = {}
    for folder, own in parts.items():
        others = [other for one, other in parts.items() if one != folder]
        count = next((n for n in range(1, len(own)) if all(own[-n:] != other[-n:] for other in others)), len(own))
        names["/".join(own[-count:])] = folder
    if len(names) < len(parts):
        raise PretraceError(f"models: got {', '.join(folders)}; takes each folder once")
    return names
