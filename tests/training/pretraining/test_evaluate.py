"""The numbers that validation reports for a loss."""

from __future__ import annotations

from pretrace.training.pretraining.evaluate import model_metrics
from tests.helpers.small_shards import manifest_of


def test_metrics_of_a_loss_too_large_for_perplexity() -> None:
    import torch

    manifest = manifest_of({"validation": {"tokens": 10, "bytes": 40}})
    assert model_metrics(torch.nn.Linear(1, 1), {"val_loss": 5000.0}, manifest)["val_perplexity"] > 1e300
