"""Published weights instead of pre-training: `pretrain.init_from` in params.yaml."""

from __future__ import annotations

from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.model.checkpoints.load import load_model
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.models import LanguageModelMetrics
from pretrace.settings import MAIN_MODEL, ModelSettings, Settings
from pretrace.tokens.shards import open_shards, read_manifest
from pretrace.training.engine.device import choose_device
from pretrace.training.objectives.causal_lm import CausalLM
from pretrace.training.pretraining.evaluate import model_metrics, validation_loss, validation_sequences
from pretrace.training.pretraining.result import Pretrained


def init_from(settings: Settings, shards_folder: Path) -> Pretrained:
    """Return the transformer in `pretrain.init_from` instead of a trained one, evaluated on this corpus.

    Raises:
        PretraceError: there is no such model, its sizes are not the scale's, or its vocabulary is another.
    """
    scale = settings.scale
    device = choose_device(scale.pretrain.precision, scale.threads)
    manifest = read_manifest(shards_folder)
    model = load_initial_model(settings, manifest.vocabulary_size)
    validation = validation_sequences(open_shards(shards_folder, "validation"), scale.model.context)
    measured = model_metrics(model.to(device.name), validation_loss(model, CausalLM(), validation, device), manifest)
    metrics = LanguageModelMetrics(**measured, steps=0, tokens=0, flops=0)
    curve = [{"step": 0, "val_loss": metrics.val_loss}]
    return Pretrained(MAIN_MODEL, None, model, metrics, curve, {"device": device.name}, [])


def load_initial_model(settings: Settings, vocabulary_size: int) -> LanguageModel:
    """Load the transformer in `pretrain.init_from`, with the scale's dropout.

    Raises:
        PretraceError: there is no such model, its sizes are not the scale's, or its vocabulary has another size.
    """
    scale, folder = settings.scale, str(settings.pretrain.init_from)
    model = load_model(folder)
    if not isinstance(model.settings, ModelSettings):
        raise PretraceError(f"{folder}: holds a model of kind {model.kind}; pretrain.init_from takes {MAIN_MODEL}")
    for name in ("layers", "width", "heads", "feed_forward", "context"):
        theirs, ours = getattr(model.settings, name), getattr(scale.model, name)
        if theirs != ours:
            raise PretraceError(
                f"{folder}: its {name} is {theirs}, and model.{name} in scales/{settings.scale_name}.yaml is {ours}; "
                "take another `scale`, or make one with the sizes of these weights"
            )
    rows = model.vocabulary_size
    if rows != vocabulary_size:
        raise PretraceError(f"{folder}: {rows:,} token embeddings, but its vocabulary has {vocabulary_size:,} tokens")
    model.settings = scale.model
    return model
