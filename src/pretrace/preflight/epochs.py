"""Epochs of the corpus and of each source of its mix, for `pretrace check`; and that settings name its sources."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pretrace.corpus import corpus_sources
from pretrace.corpus.filters.classifier import check_named_sources
from pretrace.corpus.readers.faults import OnFault
from pretrace.schemas.tokens import SplitManifest
from pretrace.settings import Settings
from pretrace.tokens.shards import read_manifest
from pretrace.tokens.shards.write_mix import check_weights, parts_of

BYTES_PER_TOKEN = 4.3
"""Of English text: 4.3 for 126 novels with GPT-1's vocabulary, 4.4 for the default corpus with 4,000 tokens (ours)."""


def named_sources(settings: Settings, on_fault: OnFault) -> dict[str, int]:
    """Return the sources of the corpus with the bytes of their files, if settings name sources; else nothing.

    Raises:
        PretraceError: a setting names another source, or the mix has no weight for one; as `corpus_sources`.
    """
    mix, classifier = settings.corpus.mix, settings.corpus.quality.classifier
    known = corpus_sources(settings.corpus, on_fault) if mix or (classifier and classifier.named_sources) else None
    if known is None:
        return {}
    if classifier:
        check_named_sources(classifier, known)
    if mix:
        check_weights(mix, sorted(known), "the corpus")
    return known


def describe_epochs(tokens: int, text_bytes: int, settings: Settings) -> str:
    """Describe the epochs of the training text that `tokens` are: by the shards if they exist, else by its size."""
    if train := _train_shards(settings):
        return f", {tokens / train.tokens:,.1f} epochs of the shards in {_folder(settings)}"
    if not text_bytes:
        return ""
    estimate = _tokens_in(text_bytes, settings)
    return f", some {tokens / estimate:,.1f} epochs of an estimated {estimate / 1e6:,.1f} million tokens"


def describe_mix(tokens: int, text_bytes: int, sources: Mapping[str, int], settings: Settings) -> str:
    """Describe the share of each source of the mix in the tokens that are read, and its epochs if its size is known.

    Args:
        sources: of the corpus, with the bytes of their files.
    """
    parts = parts_of(settings.corpus.mix or {})
    read, stored = sum(parts.values()), sum(sources.values())
    known = {name: _tokens_in(text_bytes * size / stored, settings) for name, size in sources.items() if stored}
    train = _train_shards(settings)
    if train and train.mix:
        known = {source.source: source.tokens for source in train.mix.sources}
    said = []
    for source, part in parts.items():
        epochs = f" ({tokens * part / read / known[source]:,.1f} epochs)" if part and known.get(source) else ""
        said.append(f"{source} {part / read:.1%}{epochs}")
    return f"of the sources {', '.join(said)}"


def _tokens_in(text_bytes: float, settings: Settings) -> float:
    """Return an estimate of the tokens that are trained on, of text of so many bytes."""
    return text_bytes * (1 - settings.corpus.validation_share - settings.corpus.probe_share) / BYTES_PER_TOKEN


def _folder(settings: Settings) -> Path:
    return Path(f"data/shards/{settings.system_name}")


def _train_shards(settings: Settings) -> SplitManifest | None:
    exists = (_folder(settings) / "manifest.json").exists()
    return read_manifest(_folder(settings)).splits["train"] if exists else None
