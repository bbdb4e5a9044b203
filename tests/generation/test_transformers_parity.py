"""Exported models write the same with transformers' `generate`: greedy and by beam search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from pretrace.generation import Prompt, generate
from pretrace.model import Transformer
from pretrace.model.checkpoints.huggingface import write_huggingface
from pretrace.settings import ModelSettings
from pretrace.settings.models.generation import GenerationSettings
from tests.helpers.decoding import SIZES, Letters

FORMS: dict[str, dict[str, Any]] = {
    "gpt1": {"embedding_dropout": "table"},
    "gpt2": {"norm": "pre", "embedding_dropout": "sum"},
}
TOKENS = 14


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("ends", [False, True])
def test_tokens_are_those_of_transformers(form: str, beams: int, ends: bool, tmp_path: Path) -> None:
    sizes = SIZES | {"feed_forward": 64, "context": 32, "dropout": 0.0, "initial_std": 0.4}
    model = Transformer(ModelSettings(**sizes, **FORMS[form]), Letters.size, seed=5)
    write_huggingface(tmp_path, model)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    prompts = [Prompt([1, *range(2, 2 + n)]) for n in (1, 4, 9, 12)]
    settings = GenerationSettings(tokens=TOKENS, temperature=0.0, beams=beams, end_of_document=ends)
    found = generate(model, Letters(), prompts, settings)
    for prompt, one in zip(prompts, found, strict=True):
        options: dict[str, Any] = {
            "max_new_tokens": TOKENS,
            "num_beams": beams,
            "do_sample": False,
            "length_penalty": 0,
        }
        options |= {"suppress_tokens": [Letters.unknown_id], "pad_token_id": 0}
        options |= {"eos_token_id": Letters.document_end_id if ends else None}
        ids = torch.tensor([prompt.ids])
        expected = theirs.generate(ids, attention_mask=torch.ones_like(ids), **options)[0, len(prompt.ids) :].tolist()
        assert one.ids == [index for index in expected if index]
