"""Models on disk: the same bytes back, and one line that names the file and the tensor when it does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from pretrace.common.errors import PretraceError
from pretrace.model import LSTM, Transformer, build_model, load_model, save_model
from pretrace.model.checkpoints.safetensors_file import load_weights
from pretrace.settings import LSTMSettings, ModelSettings, Scale, read_yaml
from tests.helpers import REPOSITORY

SETTINGS = ModelSettings(
    **{"layers": 2, "width": 8, "heads": 2, "feed_forward": 16, "context": 8},
    **{"dropout": 0.1, "embedding_dropout": "table", "initial_std": 0.02},
)
MODELS = {
    "transformer": lambda: Transformer(SETTINGS, 20, seed=3),
    "lstm": lambda: LSTM(LSTMSettings(layers=1, width=6, embedding=4, dropout=0.1, initial_std=0.02), 20, 8, seed=3),
}


@pytest.fixture(params=list(MODELS))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    save_model(tmp_path, MODELS[request.param]())
    return tmp_path


@pytest.mark.parametrize("kind", MODELS)
def test_saved_model_loads_and_saves_the_same_bytes(kind: str, tmp_path: Path) -> None:
    model = MODELS[kind]()
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    save_model(first, model)
    loaded = load_model(first)
    assert type(loaded) is type(model)
    assert loaded.settings == model.settings
    assert loaded.context == 8
    ids = torch.arange(8)[None]
    assert torch.equal(loaded(ids), model(ids))
    save_model(second, loaded)
    assert sorted(p.name for p in first.iterdir()) == ["config.json", "model.safetensors"]
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_build_model_makes_both_models_of_a_scale() -> None:
    scale = Scale.model_validate(read_yaml(REPOSITORY / "scales" / "laptop.yaml"))
    transformer, lstm = (
        build_model(scale.model_copy(update={"kind": kind}), 100, seed=1) for kind in ("transformer", "lstm")
    )
    assert isinstance(transformer, Transformer)
    assert isinstance(lstm, LSTM)
    assert transformer.context == lstm.context == scale.model.context
    assert (transformer.width, lstm.width) == (scale.model.width, scale.lstm.width)


def changed_tensors(folder: Path, change: Callable[[dict], Any]) -> Path:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    return path


def one_line(error: pytest.ExceptionInfo, *expected: str) -> None:
    text = str(error.value)
    assert "\n" not in text
    for part in expected:
        assert part in text


def test_missing_tensor_is_named(folder: Path) -> None:
    path = changed_tensors(folder, lambda tensors: tensors.pop("token_embedding.weight"))
    with pytest.raises(PretraceError) as error:
        load_model(folder)
    one_line(error, str(path), "token_embedding.weight is missing", "(20, ")


def test_tensor_of_another_shape_is_named_with_both_shapes(folder: Path) -> None:
    path = changed_tensors(folder, lambda tensors: tensors.update({"token_embedding.weight": torch.zeros(21, 3)}))
    with pytest.raises(PretraceError) as error:
        load_model(folder)
    one_line(error, str(path), "token_embedding.weight has shape (21, 3); it must have shape (20, ")


def test_extra_tensor_is_named(folder: Path) -> None:
    path = changed_tensors(folder, lambda tensors: tensors.update({"extra.weight": torch.zeros(2)}))
    with pytest.raises(PretraceError) as error:
        load_model(folder)
    one_line(error, str(path), "extra.weight belongs to no part of this model")


@pytest.mark.parametrize("share", [0.0, 0.002, 0.5, 0.999])
def test_truncated_file_is_named(folder: Path, share: float) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(PretraceError) as error:
        load_model(folder)
    one_line(error, str(path), "not a whole safetensors file")


def test_missing_files_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PretraceError) as error:
        load_model(tmp_path / "nowhere")
    one_line(error, str(tmp_path / "nowhere"), "no model there", "config.json")
    (folder / "model.safetensors").unlink()
    with pytest.raises(PretraceError) as error:
        load_model(folder)
    one_line(error, str(folder / "model.safetensors"), "no such file")


NO_MODEL = {
    "no kind": (lambda config: config.pop("kind"), "kind: missing"),
    "no size": (lambda config: config.pop("vocabulary_size"), "vocabulary_size: missing"),
    "no settings": (lambda config: config.pop("settings"), "settings: missing"),
    "unknown kind": (
        lambda config: config.update(kind="mamba"),
        "kind: got 'mamba'; input should be 'trans",
    ),
    "a key of no meaning": (lambda config: config.update(mind="x"), "mind: no such key in this version"),
    "settings missing": (lambda config: config.update(settings={"layers": 1}), "settings.width: missing"),
    "a word for a number": (
        lambda config: config["settings"].update(layers="many"),
        "layers: got 'many'; input should be",
    ),
    "out of range": (lambda config: config["settings"].update(width=-8), "settings.width: got -8; input should be gr"),
    "a word for the size": (lambda config: config.update(vocabulary_size="20"), "vocabulary_size: got '20'; input"),
    "a negative size": (
        lambda config: config.update(vocabulary_size=-1),
        "vocabulary_size: got -1; input should",
    ),
    "settings null": (lambda config: config.update(settings=None), "settings: got None; input should be a valid dict"),
    "no room": (lambda config: config.update(vocabulary_size=1 << 50), "less than or equal to 1000000000"),
}


@pytest.mark.parametrize("change", NO_MODEL)
def test_config_of_no_model_is_a_one_line_error(folder: Path, change: str) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    NO_MODEL[change][0](config)
    path.write_text(json.dumps(config))
    with pytest.raises(PretraceError) as error:
        load_model(folder)
    one_line(error, f"{path}: ", NO_MODEL[change][1])
    assert "pydantic" not in str(error.value)


@pytest.mark.parametrize("content", ["", "[]", "null", "3", '{"kind": "transf'])
def test_damaged_config_is_a_one_line_error(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(PretraceError) as error:
        load_model(folder)
    one_line(error, str(folder / "config.json"))


def test_weights_of_another_kind_of_model_are_refused(tmp_path: Path) -> None:
    for kind in MODELS:
        (tmp_path / kind).mkdir()
        save_model(tmp_path / kind, MODELS[kind]())
    with pytest.raises(PretraceError, match="it must have shape"):
        load_weights(MODELS["lstm"](), tmp_path / "transformer" / "model.safetensors")
