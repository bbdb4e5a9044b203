"""Operations per token."""

from __future__ import annotations

from pretrace.model import build_model
from pretrace.training.engine.flops import flops_per_token
from tests.helpers.small_training import settings_with


def test_flops_per_token_are_six_per_weight() -> None:
    transformer, lstm = (build_model(settings_with({"kind": kind}).scale, 80, 1) for kind in ("transformer", "lstm"))
    block = 16 * 48 + 16 * 16 + 2 * 16 * 32
    assert flops_per_token(transformer) == 6 * (2 * block + 80 * 16) + 6 * 2 * 16 * 16
    assert flops_per_token(lstm) == 6 * (12 * 64 + 16 * 64 + 16 * 12 + 80 * 12)
