"""OpenAI's own client against a server in a process of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
import torch
from openai import OpenAI

from pretrace.generation import Prompt, generate
from pretrace.model import load_model
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens import load_vocabulary

pytestmark = pytest.mark.slow
HELLO: Any = [{"role": "user", "content": "the abc"}]


def test_models_are_listed(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["bytes", "other", "words"]
    assert client.models.retrieve("words").owned_by == "pretrace"
    with pytest.raises(openai.NotFoundError, match="takes bytes, other, words"):
        client.models.retrieve("../bytes")


def test_completion_has_the_tokens_of_the_model_alone(client: OpenAI, models: Path) -> None:
    """For text and for ids, several prompts and several continuations; with seeds one after the other."""
    model, vocabulary = load_model(models / "bytes"), load_vocabulary(models / "bytes" / "vocabulary")
    texts = ["the abc", "caf\u00e9"]
    found = client.completions.create(model="bytes", prompt=texts, n=2, seed=5, max_tokens=9, temperature=0.8)
    prompts = [Prompt([vocabulary.document_end_id, *vocabulary.encode(text)]) for text in texts for _ in range(2)]
    prompts = [Prompt(one.ids, 5 + number) for number, one in enumerate(prompts)]
    form = GenerationSettings(tokens=9, temperature=0.8, top_k=None, end_of_document=True)
    alone = generate(model, vocabulary, prompts, form)
    assert [choice.text for choice in found.choices] == [one.text for one in alone]
    assert [choice.index for choice in found.choices] == [0, 1, 2, 3]
    by_ids = client.completions.create(model="bytes", prompt=prompts[0].ids, seed=5, max_tokens=9, temperature=0.8)
    assert by_ids.choices[0].text == alone[0].text
    assert by_ids.usage and by_ids.usage.total_tokens == len(prompts[0].ids) + 9


def test_echo_scores_the_prompt(client: OpenAI, models: Path) -> None:
    model = load_model(models / "bytes")
    ids = [3, 50, 60, 61, 3, 9]
    found = client.completions.create(model="bytes", prompt=ids, echo=True, logprobs=1, max_tokens=0)
    scores = found.choices[0].logprobs
    assert scores and scores.token_logprobs and scores.top_logprobs
    with torch.no_grad():
        log_p_TV = torch.log_softmax(model(torch.tensor([ids]))[0], -1)
    expected = [float(log_p_TV[n, index]) for n, index in enumerate(ids[1:])]
    assert scores.token_logprobs[0] is None
    assert scores.token_logprobs[1:] == pytest.approx(expected, abs=1e-5)
    best = [max(top.values()) for top in scores.top_logprobs[1:]]
    assert best == pytest.approx(log_p_TV[:-1].max(-1).values.tolist(), abs=1e-5)
    both = client.completions.create(model="bytes", prompt=ids, echo=True, logprobs=1, max_tokens=3, seed=1)
    assert both.choices[0].logprobs and len(both.choices[0].logprobs.tokens or []) == len(ids) + 3
    assert "".join(both.choices[0].logprobs.tokens or []).startswith(found.choices[0].text[:2])


@pytest.mark.parametrize("model", ["bytes", "words"])
def test_stream_is_the_whole_answer_in_parts(client: OpenAI, model: str) -> None:
    form: Any = {"model": model, "messages": HELLO, "seed": 7, "max_tokens": 20, "n": 2}
    whole = client.chat.completions.create(**form)
    again = client.chat.completions.create(**form)
    assert [one.message.content for one in whole.choices] == [one.message.content for one in again.choices]
    texts, reasons, usage = ["", ""], ["", ""], None
    for chunk in client.chat.completions.create(**form, stream=True, stream_options={"include_usage": True}):
        assert chunk.system_fingerprint == whole.system_fingerprint
        usage = chunk.usage or usage
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            reasons[choice.index] = choice.finish_reason or reasons[choice.index]
    assert texts == [one.message.content for one in whole.choices]
    assert reasons == [one.finish_reason for one in whole.choices]
    assert usage == whole.usage


def test_stream_of_completions_is_the_whole_text(client: OpenAI) -> None:
    form: Any = {"model": "words", "prompt": "the king", "seed": 3, "max_tokens": 15, "echo": True, "logprobs": 1}
    whole = client.completions.create(**form).choices[0]
    chunks = [chunk.choices[0] for chunk in client.completions.create(**form, stream=True)]
    assert "".join(chunk.text for chunk in chunks) == whole.text
    assert whole.logprobs
    tokens = [token for chunk in chunks for token in (chunk.logprobs and chunk.logprobs.tokens) or []]
    assert tokens == whole.logprobs.tokens


def test_stop_lies_across_tokens_and_is_not_sent(client: OpenAI) -> None:
    form: Any = {"model": "bytes", "prompt": "the", "seed": 11, "max_tokens": 30, "temperature": 1.2}
    free = client.completions.create(**form).choices[0].text
    stop = free[8:11]
    expected = free[: free.index(stop)]
    stopped = client.completions.create(**form, stop=stop).choices[0]
    assert (stopped.text, stopped.finish_reason) == (expected, "stop")
    streamed = client.completions.create(**form, stop=[stop], stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == expected


def test_chat_tells_the_probabilities_of_tokens(client: OpenAI) -> None:
    found = client.chat.completions.create(
        model="bytes", messages=HELLO, seed=2, max_completion_tokens=6, logprobs=True, top_logprobs=3, temperature=0
    )
    content = found.choices[0].logprobs and found.choices[0].logprobs.content
    assert content and len(content) == 6
    for token in content:
        assert len(token.top_logprobs) == 3
        assert token.logprob == max(one.logprob for one in token.top_logprobs)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "tools": ({"tools": [{"type": "function"}]}, "tools"),
    "penalty": ({"frequency_penalty": 0.5}, "frequency_penalty"),
    "json": ({"response_format": {"type": "json_object"}}, "response_format"),
    "image": ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages"),
    "role": ({"messages": [{"role": "tool", "content": "x"}]}, "messages"),
    "no question": ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
    "late system": ({"messages": [*HELLO, {"role": "system", "content": "x"}, *HELLO]}, "messages"),
    "too long": ({"messages": [{"role": "user", "content": "word " * 100}]}, "messages"),
    "many messages": ({"messages": HELLO * 10_000}, "messages"),
    "temperature": ({"temperature": 3}, "temperature"),
    "stops": ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
    "n": ({"n": 1000}, "n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_request_that_cannot_be_met_is_refused_in_openais_form(client: OpenAI, name: str) -> None:
    values, param = REFUSED[name]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"model": "bytes", "messages": HELLO, **values})
    assert caught.value.param == param
    assert "\n" not in str(caught.value.message)


def test_unknown_keys_are_ignored(client: OpenAI) -> None:
    form: Any = {"model": "bytes", "messages": HELLO, "seed": 1, "max_tokens": 4}
    plain = client.chat.completions.create(**form)
    more = client.chat.completions.create(**form, user="me", metadata={"a": "b"}, extra_body={"new_key": [1]})
    assert more.choices == plain.choices


def test_answers_do_not_depend_on_others_at_the_same_time(client: OpenAI) -> None:
    """24 streams at once over three models: each is the one alone with its seed."""
    words = ("the abc", "a", "the dog and the abc's")

    def ask(number: int) -> str:
        stream = client.chat.completions.create(
            model=("bytes", "other", "words")[number % 3],
            messages=[{"role": "user", "content": words[number % 2]}],
            seed=number,
            max_tokens=5 + number,
            stream=True,
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    alone = [ask(number) for number in range(24)]
    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(ask, range(24))) == alone


def test_full_context_drops_the_oldest_pairs(client: OpenAI) -> None:
    """The answer is that to the conversation without them."""
    system: Any = {"role": "system", "content": "abc"}
    pairs: Any = [{"role": role, "content": "the dog"} for _ in range(6) for role in ("user", "assistant")]
    form: Any = {"model": "words", "seed": 4, "max_tokens": 12}
    whole = client.chat.completions.with_raw_response.create(**form, messages=[system, *pairs, *HELLO])
    dropped = int(whole.headers["x-pretrace-dropped-messages"])
    assert 0 < dropped < 12 and dropped % 2 == 0
    rest = client.chat.completions.create(**form, messages=[system, *pairs[dropped:], *HELLO])
    assert whole.parse().choices == rest.choices
