"""Published weights instead of pre-training: `pretrain.init_from` in params.yaml."""

from __future__ import annotations

from pathlib import Path

from pretrace.schemas.models import LanguageModelMetrics
from pretrace.settings import Settings
from pretrace.tokens.shards import open_shards, read_manifest
from pretrace.training.engine.device import choose_device
from pretrace.training.objectives.choose import choose_objective
from pretrace.training.objectives.special_tokens import SpecialTokens
from pretrace.training.pretraining.evaluate import memory_losses, model_metrics, validation_losses
from pretrace.training.pretraining.initial_weights import load_initial_model
from pretrace.training.pretraining.result import Pretrained


def init_from(settings: Settings, shards_folder: Path, special: SpecialTokens | None = None) -> Pretrained:
    """Return the transformer in `pretrain.init_from` instead of a trained one, evaluated on this corpus.

    Args:
        special: special tokens of the vocabulary, for masked tokens; None if it has none.

    Raises:
        PretraceError: there is no such model, its sizes or form are not the scale's, or its vocabulary is another.
    """
    scale = settings.scale
    device = choose_device(scale.pretrain.precision, scale.threads)
    manifest = read_manifest(shards_folder)
    model = load_initial_model(settings, manifest.vocabulary_size)
    objective = choose_objective(scale.pretrain.objective, special, manifest.vocabulary_size)
    validation = objective.validation(open_shards(shards_folder, "validation"), scale.model.context)
    losses = validation_losses(model.to(device.name), objective, validation, device)
    of_model = model_metrics(model, losses, manifest) | memory_losses(model, objective, validation, device)
    metrics = LanguageModelMetrics(**of_model, steps=0, tokens=0, flops=0)
    name, loss = metrics.loss
    curve = [{"step": 0, name: loss}]
    return Pretrained(None, model, metrics, curve, {"device": device.name}, [])
