"""Other weights in the place of pre-training: measured, not changed, and refused when they do not fit the scale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.corpus import Document, clean_text, write_documents
from pretrace.export import export
from pretrace.model import build_model, load_model, save_model
from pretrace.preflight.check import preflight
from pretrace.settings import Settings
from pretrace.tokens import load_vocabulary
from pretrace.tokens.shards import open_shards, write_shards
from pretrace.training.engine.curves import write_curve
from pretrace.training.pretraining.init_from import init_from
from tests.helpers.small_training import SCALE, settings_with
from tests.helpers.small_vocabulary import TEXT, write_openai_vocabulary
from tests.helpers.stages_in_process import a_run, stage


def a_model(folder: Path, shards: Path, kind: str = "transformer", size: int | None = None, **changes: Any) -> Path:
    """A model with random weights of the small scale's sizes, but for `changes` of its settings."""
    scale = settings_with({"kind": kind}).scale
    scale = scale.model_copy(update={"model": scale.model.model_copy(update=changes)})
    folder.mkdir()
    model = build_model(scale, size or read_json(shards / "manifest.json")["vocabulary_size"], seed=7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(8)) * 0.1)
    save_model(folder, model)
    return folder


def starting(folder: Path, changes: dict[str, Any] | None = None, **top: Any) -> Settings:
    return settings_with(changes, pretrain={"init_from": str(folder)}, **top)


def test_init_from_evaluates_weights_and_keeps_them(shards: Path, tmp_path: Path) -> None:
    folder = a_model(tmp_path / "start", shards)
    result = init_from(starting(folder), shards)
    model = load_model(folder)
    for (name, ours), (other, theirs) in zip(result.model.named_parameters(), model.named_parameters(), strict=True):
        assert name == other
        assert torch.equal(ours, theirs)
    context = SCALE["model"]["context"]
    validation = open_shards(shards, "validation")
    ids = torch.from_numpy(validation.read(0, validation.tokens // context * context)).view(-1, context)
    with torch.no_grad():
        loss = F.cross_entropy(model(ids)[:, :-1].mT, ids[:, 1:])
    assert result.metrics.val_loss == pytest.approx(float(loss), abs=1e-5)
    assert (result.metrics.steps, result.metrics.tokens, result.metrics.flops) == (0, 0, 0)
    assert result.metrics.parameters == sum(p.numel() for p in model.parameters())
    assert result.curve == [{"step": 0, "val_loss": result.metrics.val_loss}]
    training, curve = (json.loads(path.read_text()) for path in write_curve(tmp_path, "transformer", result.curve, 0))
    assert (training, curve) == ([], result.curve)


def test_init_from_twice_gives_the_same_metrics(shards: Path, tmp_path: Path) -> None:
    settings = starting(a_model(tmp_path / "start", shards))
    one, two = init_from(settings, shards), init_from(settings, shards)
    assert (one.metrics, one.curve) == (two.metrics, two.curve)


def test_init_from_takes_other_settings_from_the_scale(shards: Path, tmp_path: Path) -> None:
    folder = a_model(tmp_path / "start", shards, dropout=0.3, embedding_dropout="table", initial_std=0.5)
    settings = starting(folder)
    assert init_from(settings, shards).model.settings == settings.scale.model != load_model(folder).settings


def refused(settings: Settings, shards: Path, *expected: str) -> None:
    with pytest.raises(PretraceError) as error:
        init_from(settings, shards)
    assert "\n" not in str(error.value)
    for part in (str(settings.pretrain.init_from), *expected):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("key", "value"), [("layers", 3), ("width", 32), ("heads", 4), ("feed_forward", 64), ("context", 24)]
)
def test_init_from_refuses_other_sizes_by_name(shards: Path, tmp_path: Path, key: str, value: int) -> None:
    folder = a_model(tmp_path / "start", shards, **{key: value})
    ours = SCALE["model"][key]
    refused(starting(folder), shards, f"its {key} is {value}", f"model.{key} in scales/small.yaml is {ours}")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"norm": "pre"}, "its norm is pre, and model.norm in scales/small.yaml is post; take another `scale`, or set"),
        ({"activation": "gelu"}, "its activation is gelu, and model.activation in scales/small.yaml is gelu_tanh"),
        ({"norm_epsilon": 1e-12}, "norm_epsilon: 1e-12 there"),
        ({"segments": 2, "output": "transform"}, "its segments is 2"),
        ({"next_sentence": True}, "its next_sentence is true, and model.next_sentence in scales/small.yaml is false"),
    ],
)
def test_init_from_refuses_another_form_by_name(shards: Path, tmp_path: Path, form: dict[str, Any], said: str) -> None:
    refused(starting(a_model(tmp_path / "start", shards, **form)), shards, said)


def test_init_from_takes_other_initial_weights(shards: Path, tmp_path: Path) -> None:
    """The draw of initial weights decides nothing about weights that are given."""
    folder = a_model(tmp_path / "start", shards, residual_init="depth", position_std=0.01)
    assert init_from(starting(folder), shards).metrics.steps == 0


def test_init_from_refuses_models_that_do_not_fit(shards: Path, tmp_path: Path) -> None:
    refused(starting(a_model(tmp_path / "other", shards, size=90)), shards, "90 token embeddings", "80 tokens")
    refused(starting(a_model(tmp_path / "lstm", shards, "lstm")), shards, "kind lstm")
    refused(starting(tmp_path / "nowhere"), shards, "no model there")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["own", "huggingface", "openai"])
def test_stages_init_from_a_folder_with_openai_vocabulary(tmp_path: Path, form: str) -> None:
    sizes = {"width": 64, "heads": 1, "feed_forward": 256, "embedding_dropout": "table"}
    changes = {f"model.{key}": value for key, value in sizes.items()}
    folder = tmp_path / "own"
    vocabulary = load_vocabulary(write_openai_vocabulary(tmp_path / "own" / "vocabulary"))
    save_model(folder, build_model(settings_with(changes).scale, vocabulary.size, seed=7))
    if form != "own":
        export(folder, form, tmp_path / form)
    run = a_run(starting(tmp_path / form, changes), "gpt1")
    documents = [Document(f"d{number}", "s", clean_text(TEXT)) for number in range(3)]
    for split in ("train", "validation"):
        write_documents(Path("data/clean") / split, documents)

    stage("bpe").main(run)
    made = load_vocabulary("models/vocabulary/gpt1")
    assert made.description == vocabulary.description
    assert made.encode(TEXT) == vocabulary.encode(TEXT)
    assert read_json("reports/bpe/gpt1.json")["size"] == vocabulary.size
    assert not Path(".pretrace/bpe").exists()  # nothing is trained

    write_shards(Path("data/clean"), made, Path("data/shards/gpt1"))
    stage("pretrain").main(run)
    published = Path("models/pretrained/gpt1/transformer")
    assert (published / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert load_vocabulary(published / "vocabulary").fingerprint == vocabulary.fingerprint
    assert read_json("reports/pretrain/gpt1.json")["steps"] == 0
    assert not Path(".pretrace/checkpoints").exists()


def test_preflight_names_the_initial_model(tmp_path: Path) -> None:
    corpus = {"source": "installed", "packages": ["json"]}
    vocabulary = load_vocabulary(write_openai_vocabulary(tmp_path / "start" / "vocabulary"))
    save_model(tmp_path / "start", build_model(settings_with().scale, vocabulary.size, seed=7))
    said = dict(preflight(starting(tmp_path / "start", corpus=corpus)))
    assert f"from {tmp_path / 'start'}" in said["transformer"]
    assert said["pre-training"].startswith(f"none; the weights come with a vocabulary of {vocabulary.size:,} tokens")
    with pytest.raises(PretraceError, match=r"its layers is 2, and model.layers in scales/small.yaml is 3"):
        dict(preflight(starting(tmp_path / "start", {"model.layers": 3}, corpus=corpus)))


def test_missing_vocabulary_is_named(tmp_path: Path) -> None:
    (tmp_path / "start").mkdir()
    with pytest.raises(PretraceError, match=f"{tmp_path / 'start'}: no vocabulary there"):
        stage("bpe").main(a_run(starting(tmp_path / "start"), "gpt1"))
    assert not Path("models").exists()
