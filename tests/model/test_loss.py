"""Log-probabilities of next tokens: those of log-softmax, with the same gradients in chunks as at once."""

from __future__ import annotations

import pytest
import torch

from pretrace.model import LSTM, LanguageModel, Transformer
from pretrace.model import loss as losses
from pretrace.model.loss import next_token_log_probabilities, next_token_loss
from pretrace.settings import LSTMSettings, ModelSettings

VOCABULARY, WIDTH, TOKENS = 30, 16, 50


def model_of(kind: str) -> LanguageModel:
    if kind == "lstm":
        return LSTM(LSTMSettings(layers=1, width=WIDTH, embedding=8, dropout=0.0, initial_std=0.3), VOCABULARY, 24, 1)
    sizes = {"layers": 1, "width": WIDTH, "heads": 2, "feed_forward": 32, "context": 24}
    return Transformer(ModelSettings(**sizes, dropout=0.0, embedding_dropout="sum", initial_std=0.3), VOCABULARY, 1)


@pytest.mark.parametrize("kind", ["transformer", "lstm"])
@pytest.mark.parametrize("rows", [1, 7, TOKENS, 10_000])
def test_log_probabilities_and_gradients_are_those_of_log_softmax(
    kind: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(losses.LOGITS_BYTES, "cpu", 4 * VOCABULARY * rows)
    model, generator = model_of(kind), torch.Generator().manual_seed(0)
    h_NC = torch.randn(TOKENS, WIDTH, generator=generator, requires_grad=True)
    targets_N = torch.randint(0, VOCABULARY, (TOKENS,), generator=generator)
    weights_N = torch.rand(TOKENS, generator=generator)
    found, gradients = [], []
    for plain in (False, True):
        if plain:
            logits_NV = model.output_states(h_NC) @ model.output_weight().T
            own_N = logits_NV.log_softmax(-1)[torch.arange(TOKENS), targets_N]
        else:
            own_N = next_token_log_probabilities(model, h_NC, targets_N, torch.float32)
        weight = model.token_embedding.weight
        found.append(own_N)
        gradients.append(torch.autograd.grad((own_N * weights_N).sum(), [h_NC, weight]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    loss = next_token_loss(model, h_NC, targets_N, weights_N, torch.float32)
    torch.testing.assert_close(-(found[0] * weights_N).sum(), loss, rtol=1e-4, atol=1e-4)
