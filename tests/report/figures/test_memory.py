"""The figure of loss by length of memory: there where a system has one, beside the others."""

from __future__ import annotations

from typing import Any

import pytest

from pretrace.report.figures.memory import by_memory, memory_figure
from pretrace.schemas.models import PretrainReport

SIZES: dict[str, Any] = {"parameters": 1, "steps": 1, "tokens": 1, "flops": 1}
GPT1 = PretrainReport(val_loss=4.0, val_perplexity=54.6, val_bits_per_byte=1.6, **SIZES)
LOSSES = [{"memory": memory, "val_loss": loss} for memory, loss in ((0, 4.2), (64, 4.0), (128, 3.9))]
XL = PretrainReport(val_loss=4.0, val_perplexity=54.6, val_bits_per_byte=1.5, memory_losses=LOSSES, **SIZES)
BERT = PretrainReport(val_masked_loss=3.0, **SIZES)


def test_losses_are_bits_a_byte_by_memory() -> None:
    assert by_memory(XL) == pytest.approx({0: 1.575, 64: 1.5, 128: 1.4625})
    assert by_memory(GPT1) == by_memory(BERT) == {}


def test_figure_has_the_curve_and_a_line_for_each_other_that_predicts_next_tokens() -> None:
    figure = memory_figure({"gpt1": GPT1, "bert": BERT, "transformer_xl": XL}, 128)
    assert figure is not None
    assert "transformer_xl" in figure
    assert "gpt1, windows of 128 tokens" in figure
    assert "bert" not in figure
    assert figure == memory_figure({"gpt1": GPT1, "bert": BERT, "transformer_xl": XL}, 128)


def test_no_figure_without_such_a_system() -> None:
    assert memory_figure({"gpt1": GPT1, "bert": BERT}, 128) is None
