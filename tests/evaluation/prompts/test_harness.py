"""Finished prompts as lm-evaluation-harness scores them: its rule written out on transformers, and the harness itself.

The harness (lm-eval 0.4.13) is no requirement: without it all tests but the first are skipped. It brings a newer hub
client than transformers 4 takes: `pip install --no-deps lm-eval==0.4.13`, and what it imports, beside this environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pretrace.evaluation.log_likelihood import Question
from pretrace.evaluation.perplexity import token_losses
from pretrace.evaluation.prompts.text import PromptText
from pretrace.evaluation.token_trees import score_groups
from pretrace.generation import Prompt, generate
from pretrace.model import load_model
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens import load_vocabulary
from pretrace.training.engine.device import Device
from tests.helpers.small_byte_vocabulary import write_byte_vocabulary

CPU = Device("cpu", torch.float32, "")
CONTEXTS = ("the cafe.\nthe abc:", "Q: the 's the?\nA:", "abc\n\nthe abc the ", "the")
ROWS = 200
WORDS = ("the", "abc", "a", "the's", "there", "caf", "b", "cab", "abcabc")
ANSWERS = (" the", " abc the", " a", " the's.", " caf\u00e9")


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A GPT-2 of Hugging Face with random weights, and its tokenizer."""
    from transformers import GPT2Config, GPT2LMHeadModel

    write_byte_vocabulary(tmp_path, ("vocab.json", "merges.txt"))
    size = load_vocabulary(tmp_path).size
    torch.manual_seed(0)
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 64, "initializer_range": 0.5}
    model = GPT2LMHeadModel(GPT2Config(**sizes, vocab_size=size, bos_token_id=size - 1, eos_token_id=size - 1))
    rare = [number for number in range(size) if not load_vocabulary(tmp_path).decode([number]).isascii()]
    model.get_input_embeddings().weight.data[rare] = 0.0  # halves of characters are never the likeliest
    model.save_pretrained(tmp_path)
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


@pytest.fixture
def harness(exported: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    huggingface = pytest.importorskip("lm_eval.models.huggingface", reason="needs lm-evaluation-harness 0.4")
    size = {"batch_size": 8, "max_length": 63}
    # Its cache takes requests for one whose contexts with all but the last token of the answer are equal, however many
    # tokens of that are asked.
    return huggingface.HFLM(pretrained=str(exported), dtype="float32", device="cpu", logits_cache=False, **size)


def asked_of_harness(harness: Any, kind: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    from lm_eval.api.instance import Instance

    requests = [Instance(kind, {}, one, index) for index, one in enumerate(arguments)]
    answers: list[Any] = getattr(harness, kind)(requests, disable_tqdm=True)
    return answers


def words(random: np.random.Generator, most: int) -> str:
    return " ".join(random.choice(WORDS, random.integers(1, most)))


@pytest.mark.slow
def test_log_likelihoods_are_those_of_the_harness(exported: Path, harness: Any) -> None:
    pairs = [(context, answer) for context in CONTEXTS for answer in ANSWERS]
    answers = asked_of_harness(harness, "loglikelihood", pairs)
    sums, greedy = ours(exported)
    np.testing.assert_allclose(sums.ravel(), [total for total, _ in answers], atol=1e-4)
    assert greedy.ravel().tolist() == [is_greedy for _, is_greedy in answers]


def different(random: np.random.Generator, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[f" {words(random, 5)}"] = None
    return list(found)


@pytest.mark.slow
def test_choices_and_last_words_are_those_of_the_harness(exported: Path, harness: Any) -> None:
    random = np.random.default_rng(0)
    choices = [(words(random, 12), different(random, 4)) for _ in range(ROWS)]  # equal ones would be told by rounding
    lasts = [(words(random, 12), [f" {random.choice(WORDS)}"]) for _ in range(ROWS)]
    text, model = PromptText(load_vocabulary(exported)), load_model(exported).eval()
    for rows in (choices, lasts):
        groups = [[Question(*text.continuation([context], answer)) for answer in own] for context, own in rows]
        scores = score_groups(model, groups, CPU)
        pairs = [(context, answer) for context, own in rows for answer in own]
        answers = asked_of_harness(harness, "loglikelihood", pairs)
        theirs = np.array([total for total, _ in answers])
        np.testing.assert_allclose(scores.sums, theirs, atol=1e-4)
        assert scores.all_greedy.tolist() == [is_greedy for _, is_greedy in answers]
        lengths = np.array([len(answer.strip()) for _, answer in pairs])
        for values in (np.ones(len(pairs)), lengths):  # acc, acc_norm
            both = [(sums / values).reshape(len(rows), -1).argmax(1).tolist() for sums in (scores.sums, theirs)]
            assert both[0] == both[1]


@pytest.mark.slow
def test_rolling_log_likelihoods_are_those_of_the_harness(exported: Path, harness: Any) -> None:
    vocabulary, model, random = load_vocabulary(exported), load_model(exported).eval(), np.random.default_rng(1)
    context = model.context  # theirs reads 63 tokens and predicts the one behind
    short = [words(random, 12) for _ in range(ROWS - 20)]
    long = ["".join(random.choice(list("zqxv"), (context - 1) * windows)) for windows in (1, 2, 3, 4) for _ in range(5)]
    sums = []
    for text in [*short, *long]:
        ids_N = np.array([vocabulary.document_end_id, *vocabulary.encode(text)])
        sums.append(-np.nansum(token_losses(model, ids_N, context - 1)))
    theirs = asked_of_harness(harness, "loglikelihood_rolling", [(text,) for text in [*short, *long]])
    np.testing.assert_allclose(sums, theirs, rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(sums[: len(short)], theirs[: len(short)], atol=1e-4)


@pytest.mark.slow
def test_greedy_texts_are_those_of_the_harness(exported: Path, harness: Any) -> None:
    vocabulary, model, random = load_vocabulary(exported), load_model(exported).eval(), np.random.default_rng(2)
    contexts = [words(random, 12) for _ in range(ROWS)]
    until, tokens = ["e", "b"], 12
    arguments = [(one, {"until": until, "max_gen_toks": tokens, "do_sample": False}) for one in contexts]
    theirs = asked_of_harness(harness, "generate_until", arguments)
    settings = GenerationSettings(tokens=tokens, temperature=0.0, stop=until, end_of_document=True)
    found = generate(model, vocabulary, [Prompt(vocabulary.encode(one)) for one in contexts], settings)
    assert [one.text for one in found] == theirs
    assert {one.reason for one in found} >= {"stop", "length"}
