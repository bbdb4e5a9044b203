"""Compiled blocks: chosen where they pay, the same but for rounding, done without where they fail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pretrace.model import Transformer
from pretrace.model.build import build_model
from pretrace.training.engine.compile import MIN_FLOPS, compile_blocks
from tests.helpers.small_training import Killed, elsewhere, killer, run, settings_with, weights_of

pytestmark = pytest.mark.slow


def model(kind: str = "transformer") -> Transformer:
    return build_model(settings_with({"kind": kind}).scale, 80, 1)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`torch.compile` replaced by something quick that notes what it is called with."""
    seen: list[str] = []

    def fake(function, dynamic: bool):
        assert dynamic is False
        seen.append("compiled")

        def compiled(*arguments: object) -> Tensor:
            seen.append("block")
            return function(*arguments)

        return compiled

    monkeypatch.setattr(torch, "compile", fake)
    return seen


@pytest.mark.parametrize(
    ("choice", "device", "flops", "compiled"),
    [
        ("off", "cuda", 1e20, False),
        ("on", "cpu", 1.0, True),
        ("auto", "cpu", 1e20, False),
        ("auto", "cuda", MIN_FLOPS["cuda"] / 2, False),
        ("auto", "cuda", MIN_FLOPS["cuda"], True),
    ],
)
def test_compile_choice_and_its_reason(
    choice: str, device: str, flops: float, compiled: bool, calls: list[str]
) -> None:
    said = compile_blocks(model(), choice, device, flops, lambda: calls.append("trial"))
    assert calls == (["compiled", "trial"] if compiled else [])
    assert said.startswith("compiled (" if compiled else "not compiled (")
    assert ("auto" if choice == "auto" else "as set") in said
    assert "\n" not in said


def test_compiled_blocks_run_in_training_only(calls: list[str]) -> None:
    gpt, ids = model(), torch.zeros(1, 4, dtype=torch.long)
    compile_blocks(gpt, "on", "cpu", 1.0, lambda: None)
    with torch.no_grad():
        gpt(ids)
    assert "block" not in calls
    gpt(ids)
    assert calls.count("block") == len(gpt.blocks)


def test_lstm_is_not_compiled(calls: list[str]) -> None:
    assert "not compiled" in compile_blocks(model("lstm"), "on", "cpu", 1e20, lambda: None)
    assert not calls


def test_training_continues_where_compiling_fails(
    shards: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    changes = {"model.dropout": 0.0, "pretrain.steps": 4}
    expected = run(settings_with(changes), shards)

    def failing(function, dynamic: bool):
        def compiled(*arguments: object) -> Tensor:
            raise RuntimeError("no C++ compiler\nand much more")

        return compiled

    monkeypatch.setattr(torch, "compile", failing)
    capfd.readouterr()
    result = run(settings_with(changes | {"pretrain.compile": "on"}), shards)
    assert "torch.compile failed (no C++ compiler); training continues without it" in capfd.readouterr().err
    assert weights_of(result) == weights_of(expected)
    assert result.model.compiled_block is None


def test_error_without_compiling_is_raised(calls: list[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        compile_blocks(model(), "on", "cpu", 1.0, lambda: 1 / 0)


@pytest.mark.parametrize("first", [True, False])
def test_run_compiled_in_part_is_logged(
    first: bool, calls: list[str], shards: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    works = torch.compile
    torch.compile = works if first else None  # the fixture puts it back
    settings = settings_with({"model.dropout": 0.0, "pretrain.compile": "on"})
    with pytest.raises(Killed):
        run(settings, shards, publish=killer(9))
    (note,) = Path(".pretrace/checkpoints").glob("*/step-00000006.json")
    assert json.loads(note.read_text())["compiled"] is first
    said = f"the steps before were {'' if first else 'not '}compiled"
    assert said not in capfd.readouterr().err
    torch.compile = None if first else works
    run(settings, shards)
    assert capfd.readouterr().err.count(said) == 1


def test_blocks_compile_on_this_machine() -> None:
    """In float32, where what is faster on a CPU has operations of its own."""
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        pytest.skip("needs a C++ compiler")
    gpt, ids = model(), torch.arange(8).view(2, 4)
    expected = gpt(ids)
    said = compile_blocks(gpt, "on", "cpu", 1.0, lambda: gpt(ids).sum().backward())
    assert said == "compiled (as set)"
    torch.testing.assert_close(gpt(ids), expected)


@pytest.mark.nightly
def test_compiled_training_is_the_same_but_for_rounding(
    shards: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changes = {"model.dropout": 0.0}
    eager = run(settings_with(changes), shards)
    changes["pretrain.compile"] = "on"
    compiled = run(settings_with(changes), shards)
    assert compiled.model.compiled_block is not None
    for a, b in zip(eager.curve, compiled.curve, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-4)
    elsewhere("killed", monkeypatch)
    with pytest.raises(Killed):
        run(settings_with(changes), shards, publish=killer(9))
    torch._dynamo.reset()
    assert weights_of(run(settings_with(changes), shards)) == weights_of(compiled)
