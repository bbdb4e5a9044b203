"""Texts for the report: each prompt once, the same for the same seed, and those of the plainest loop."""

from __future__ import annotations

import torch

from pretrace.generation.samples import PROMPTS, generate_samples
from tests.helpers.decoding import Letters, small_gpt


@torch.no_grad()
def test_samples_are_those_of_a_plain_loop() -> None:
    """The published reports have texts that were drawn so."""
    model, expected = small_gpt(context=64), []
    for number, prompt in enumerate(PROMPTS):
        generator = torch.Generator().manual_seed(4 + number)
        ids = [1, *Letters().encode(prompt)]
        for _ in range(40):
            logits_V = model(torch.tensor([ids]))[0, -1]
            logits_V[0] = -torch.inf
            top = logits_V.topk(28)
            drawn = torch.multinomial(torch.softmax(top.values / 0.8, -1), 1, generator=generator)
            ids.append(int(top.indices[drawn]))
        expected.append({"prompt": prompt, "text": Letters().decode(ids[1:]).strip()})
    assert generate_samples(model, Letters(), seed=4) == expected
