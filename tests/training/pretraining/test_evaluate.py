"""The numbers that validation reports for a loss."""

from __future__ import annotations

from pretrace.training.pretraining.evaluate import describe


def test_a_loss_beyond_what_perplexity_can_say_is_reported() -> None:
    import torch

    manifest = {"splits": {"validation": {"tokens": 10, "bytes": 40}}}
    assert describe(torch.nn.Linear(1, 1), 5000.0, manifest)["val_perplexity"] > 1e300
