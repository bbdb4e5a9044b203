"""Finished prompts as lm-evaluation-harness scores them: its rule written out on transformers, and the harness itself.

The harness is no requirement: without it the second test is skipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pretrace.evaluation.log_likelihood import Question
from pretrace.evaluation.prompts.text import PromptText
from pretrace.evaluation.token_trees import score_groups
from pretrace.model import load_model
from pretrace.tokens import load_vocabulary
from pretrace.training.engine.device import Device
from tests.helpers.small_byte_vocabulary import write_byte_vocabulary

CPU = Device("cpu", torch.float32, "")
CONTEXTS = ("the cafe.\nthe abc:", "Q: the 's the?\nA:", "abc\n\nthe abc the ", "the")
ANSWERS = (" the", " abc the", " a", " the's.", " caf\u00e9")


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A GPT-2 of Hugging Face with random weights, and its tokenizer."""
    from transformers import GPT2Config, GPT2LMHeadModel

    write_byte_vocabulary(tmp_path, ("vocab.json", "merges.txt"))
    size = load_vocabulary(tmp_path).size
    torch.manual_seed(0)
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 64, "initializer_range": 0.5}
    GPT2LMHeadModel(GPT2Config(**sizes, vocab_size=size, bos_token_id=size - 1, eos_token_id=size - 1)).save_pretrained(
        tmp_path
    )
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer"}')
    return tmp_path


def ours(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Sums of log-probabilities by context and answer, and whether greedy decoding would write the answer."""
    text, model = PromptText(load_vocabulary(folder)), load_model(folder).eval()
    groups = [[Question(*text.continuation([context], answer)) for answer in ANSWERS] for context in CONTEXTS]
    scores = score_groups(model, groups, CPU)
    shape = (len(CONTEXTS), len(ANSWERS))
    return scores.sums.reshape(shape), scores.all_greedy.reshape(shape)


@torch.no_grad()
def by_its_rule(model: Any, tokenizer: Any, context: str, answer: str) -> float:
    """The harness's `_encode_pair` and `_loglikelihood_tokens` for one pair, in float32."""
    spaces = len(context) - len(context.rstrip())
    if spaces:
        context, answer = context[:-spaces], context[-spaces:] + answer
    whole, before = tokenizer.encode(context + answer), tokenizer.encode(context)
    asked = torch.tensor(whole[len(before) :])
    logs_TV = model(torch.tensor([[*before, *asked.tolist()][:-1]])).logits[0].log_softmax(-1)
    return float(logs_TV[-len(asked) :].gather(1, asked[:, None]).sum())


@pytest.mark.slow
def test_log_likelihoods_are_those_of_transformers_by_the_rule_of_the_harness(exported: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(exported), AutoTokenizer.from_pretrained(exported)
    expected = [[by_its_rule(model.eval(), tokenizer, one, answer) for answer in ANSWERS] for one in CONTEXTS]
    np.testing.assert_allclose(ours(exported)[0], expected, atol=1e-4)


@pytest.mark.slow
def test_log_likelihoods_are_those_of_the_harness(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    huggingface = pytest.importorskip("lm_eval.models.huggingface", reason="needs lm-evaluation-harness 0.4")
    from lm_eval.api.instance import Instance

    harness = huggingface.HFLM(pretrained=str(exported), dtype="float32", device="cpu", batch_size=4)
    pairs = [(context, answer) for context in CONTEXTS for answer in ANSWERS]
    asked = [Instance("loglikelihood", {}, pair, index) for index, pair in enumerate(pairs)]
    answers = harness.loglikelihood(asked, disable_tqdm=True)
    sums, greedy = ours(exported)
    np.testing.assert_allclose(sums.ravel(), [total for total, _ in answers], atol=1e-4)
    assert greedy.ravel().tolist() == [is_greedy for _, is_greedy in answers]
