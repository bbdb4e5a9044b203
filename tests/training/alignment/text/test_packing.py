"""Packed texts have the losses of each text alone; padding counts nothing."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from pretrace.training.alignment.sft import demonstration_loss, sft_loss
from pretrace.training.alignment.text.packing import PackedTexts
from tests.helpers.small_alignment import CPU, made_texts, small_model


def test_loss_of_packed_texts_is_that_of_each_alone() -> None:
    model, texts = small_model(), made_texts(7)
    total, count = 0.0, 0
    for text in texts:
        ids_T = torch.from_numpy(text.ids_T)
        logits_TV = model(ids_T[None])[0]
        losses_T = F.cross_entropy(logits_TV[:-1], ids_T[1:], reduction="none")
        total += losses_T[torch.from_numpy(text.trained_T[1:])].sum().item()
        count += int(text.trained_T.sum())
    torch.testing.assert_close(float(sft_loss(model, PackedTexts.of(texts), CPU)), total / count, rtol=1e-5, atol=0)
    torch.testing.assert_close(demonstration_loss(model, texts, CPU, 3), total / count, rtol=1e-5, atol=0)


def test_prompt_tokens_do_not_change_what_is_trained() -> None:
    """Only targets of answers are in the loss: it has no gradient for the outputs of prompt tokens."""
    packed = PackedTexts.of(made_texts(5))
    assert len(packed.targets_K) == int(packed.counts_B.sum())
    sums_B = packed.sums(torch.ones(len(packed.targets_K)))
    assert sums_B.tolist() == packed.counts_B.tolist()


def test_last_tokens_are_those_of_the_texts() -> None:
    texts = made_texts(5)
    packed = PackedTexts.of(texts)
    assert packed.ids_N[packed.last_B].tolist() == [text.ids_T[-1] for text in texts]
