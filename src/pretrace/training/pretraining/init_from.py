"""Published weights instead of pre-training: `pretrain.init_from` in params.yaml."""

from __future__ import annotations

from pathlib import Path

from pretrace.schemas.models import LanguageModelMetrics
from pretrace.settings import MAIN_MODEL, Settings
from pretrace.tokens.shards import open_shards, read_manifest
from pretrace.training.engine.device import choose_device
from pretrace.training.objectives.causal_lm import CausalLM
from pretrace.training.pretraining.evaluate import model_metrics, validation_loss, validation_sequences
from pretrace.training.pretraining.initial_weights import load_initial_model
from pretrace.training.pretraining.result import Pretrained


def init_from(settings: Settings, shards_folder: Path) -> Pretrained:
    """Return the transformer in `pretrain.init_from` instead of a trained one, evaluated on this corpus.

    Raises:
        PretraceError: there is no such model, its sizes or form are not the scale's, or its vocabulary is another.
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
