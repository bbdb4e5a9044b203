"""Monitoring of pre-training: the progress line, curves, samples, weights, the cost."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import nn

from pretrace.common.files import read_json, sha256_of_json, write_json
from pretrace.training.engine.curves import write_curve
from tests.helpers.small_training import run, settings_with


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_progress_line_of_a_run(
    shards: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pretrace.common.progress.SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr("pretrace.training.pretraining.monitor.SHOWN_EVERY_SECONDS", -1.0)
    result = run(settings_with({"pretrain.steps": 5, "pretrain.warmup_steps": 1}), shards)
    lines = [line for line in capfd.readouterr().err.splitlines() if "/5 step" in line]
    assert len(lines) == 5
    train = read_json(shards / "manifest.json")["splits"]["train"]
    for line, row in zip(lines, result.curve, strict=True):
        bits = row["loss"] / math.log(2) * train["tokens"] / train["bytes"]
        assert f"{row['step']}/5 step" in line
        assert f"perplexity {math.exp(row['loss']):.1f}" in line
        assert f"{bits:.3f} bits/byte" in line
        assert ", MFU " in line
        assert " GB" in line
        assert (" left  loss" in line) == (row["step"] < 5)


@pytest.mark.slow
def test_curves_are_written_during_training(shards: Path) -> None:
    curves, seen = Path("curves"), []

    def publish() -> None:
        if curves.exists():
            seen.append((read(curves / "transformer.json"), read(curves / "transformer-validation.json")))

    result = run(settings_with(), shards, publish=publish, curves=curves)
    assert len(seen) == 13  # from the first validation, at step 8, on
    assert [row["step"] for row in seen[0][0]] == list(range(1, 9))
    assert [row["step"] for row in seen[-1][1]] == [8, 16, 20]
    assert seen[-1][0] == [{key: row[key] for key in ("step", "loss", "lr")} for row in result.curve]
    write_curve(Path("whole"), "transformer", result.curve, 20)
    for path in curves.iterdir():
        assert path.read_bytes() == (Path("whole") / path.name).read_bytes()


@pytest.mark.slow
def test_samples_and_weights_along_the_way(shards: Path) -> None:
    models = []

    def sample(model: nn.Module) -> list[dict[str, str]]:
        models.append(model.token_embedding.weight.detach().clone())
        return [{"prompt": prompt, "text": "\u00e9 text"} for prompt in "ab"]

    settings = settings_with({"pretrain.sample_every": 8, "pretrain.save_at_powers_of_two": True})
    result = run(settings, shards, sample=sample)
    assert [(row["step"], row["prompt"]) for row in result.samples] == [(8, "a"), (8, "b"), (16, "a"), (16, "b")]
    weights = {path.name: load_file(path) for path in sorted(result.steps.iterdir())}
    assert list(weights) == [f"step-{step:08d}.safetensors" for step in (1, 2, 4, 8, 16)]
    assert weights["step-00000008.safetensors"].keys() == dict(result.model.named_parameters()).keys()
    assert (weights["step-00000008.safetensors"]["token_embedding.weight"] == models[0]).all()
    assert (weights["step-00000016.safetensors"]["token_embedding.weight"] == models[1]).all()
    plain = run(settings_with(), shards)
    assert (plain.samples, plain.steps) == ([], None)
    assert plain.metrics == result.metrics


@pytest.mark.slow
def test_cost_is_logged(shards: Path, capfd: pytest.CaptureFixture[str]) -> None:
    result = run(settings_with(hourly_cost=7200.0), shards)
    said = capfd.readouterr().err
    assert result.cost["price"] == pytest.approx(7200 * result.cost["hours"], abs=0.5)
    assert result.metrics.petaflop_s_days == result.metrics.flops / 8.64e19
    for part in ("1,280 tokens", "petaflop/s-days (GPT-1: 0.96)", f"a cost of {result.cost['price']:.2f}"):
        assert part in said


@pytest.mark.slow
def test_hours_include_interrupted_processes(shards: Path) -> None:
    class Killed(BaseException):
        pass

    calls: list[int] = []

    def publish() -> None:
        calls.append(1)
        if len(calls) == 13:
            raise Killed

    with pytest.raises(Killed):
        run(settings_with(), shards, publish=publish)
    (path,) = Path(".pretrace/checkpoints").glob("*/step-00000012.json")
    metadata = read(path)
    assert metadata.pop("metadata_sha256") == sha256_of_json(metadata)
    assert metadata["seconds"] > 0
    metadata["seconds"] = 7200.0
    write_json(path, {**metadata, "metadata_sha256": sha256_of_json(metadata)})
    assert run(settings_with(), shards).cost["hours"] == pytest.approx(2.0, abs=0.1)
