"""Start, refusal and stop of the server."""

from __future__ import annotations

import json
import signal
import threading
import time
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from pretrace.cli import main
from pretrace.inference.engine.models import names_of
from tests.helpers.served_models import served, write_model

pytestmark = pytest.mark.slow


def test_names_are_the_last_parts_that_tell_models_apart() -> None:
    assert names_of(["a/x", "b/y"]) == {"x": "a/x", "y": "b/y"}
    assert names_of(["a/x", "b/x"]) == {"a/x": "a/x", "b/x": "b/x"}


def test_damaged_model_is_refused_at_start_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = write_model(tmp_path / "good"), write_model(tmp_path / "bad")
    weights = bad / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    assert main(["serve", str(good), str(bad), "--port", "0"]) == 1
    assert str(bad) in capsys.readouterr().err
    (bad / "vocabulary" / "vocab.bpe").unlink()
    weights.write_bytes((good / "model.safetensors").read_bytes())
    assert main(["serve", str(bad), "--port", "0"]) == 1
    assert str(bad) in capsys.readouterr().err


def test_network_is_not_listened_to_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(write_model(tmp_path / "a")), "--host", "0.0.0.0", "--port", "0"]) == 1
    assert "--open-to-network" in capsys.readouterr().err


def test_full_queue_is_429_and_sigterm_finishes_what_is_under_way(tmp_path: Path) -> None:
    """One text at a time, two may wait; the rest is refused. Then the server is told to stop."""
    model = write_model(tmp_path / "a", context=400)
    with served([model], "--rows", "1", "--queue", "2", folder=tmp_path) as server:
        client = OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=60)
        refused: list[openai.RateLimitError] = []
        answers: list[str] = []

        def ask(number: int) -> None:
            try:
                done = client.completions.create(
                    model="a", prompt="the", max_tokens=300, seed=number, extra_body={"ignore_eos": True}
                )
                assert done.usage and done.usage.completion_tokens == 300
                answers.append(done.choices[0].text)
            except openai.RateLimitError as error:
                refused.append(error)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        while not refused:
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        with pytest.raises((openai.InternalServerError, openai.APIConnectionError)) as late:
            client.completions.create(model="a", prompt="the")
        if isinstance(late.value, openai.InternalServerError):
            assert late.value.status_code == 503
        for thread in threads:
            thread.join()
        server.process.wait(30)
    assert len(answers) + len(refused) == 8 and answers
    assert all(error.response.headers["retry-after"] for error in refused)
    assert json.loads(refused[0].response.content)["error"]["code"] == "queue_full"
