"""Training that goes on from given weights: where it begins, what it reports, and that a kill changes nothing."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.corpus import Document, write_documents
from pretrace.model import build_model, load_model, save_model
from pretrace.model.checkpoints.huggingface import write_huggingface
from pretrace.preflight.check import preflight
from pretrace.settings import Corpus, Settings
from pretrace.tokens import copy_vocabulary, load_vocabulary
from pretrace.tokens.shards import read_manifest, write_shards
from pretrace.training.engine.device import choose_device
from pretrace.training.objectives.causal_lm import CausalLM
from pretrace.training.pretraining.artifacts import write_report
from pretrace.training.pretraining.continued import OldText
from pretrace.training.pretraining.fingerprint import run_fingerprint
from tests.helpers.small_training import Killed, killer, run, settings_with, weights_of
from tests.helpers.small_vocabulary import TEXT, write_openai_vocabulary
from tests.helpers.stages_in_process import a_run, stage

FEW = {"pretrain.steps": 12, "pretrain.checkpoint_every": 4, "pretrain.lr": 0.002}


@pytest.fixture
def start(shards: Path, tmp_path: Path) -> Path:
    """A folder with weights and their vocabulary."""
    folder = tmp_path / "start"
    size = read_json(shards / "manifest.json")["vocabulary_size"]
    folder.mkdir()
    model = build_model(settings_with().scale, size, seed=7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(8)) * 0.1)
    save_model(folder, model)
    copy_vocabulary(shards.parent / "vocabulary", folder / "vocabulary")
    return folder


def going_on(start: Path, changes: dict[str, Any] | None = None, **pretrain: Any) -> Settings:
    return settings_with(FEW | (changes or {}), pretrain={"seeds": [3], "continue_from": str(start), **pretrain})


def loss_of(folder: Path, ids_NT: torch.Tensor) -> float:
    with torch.no_grad():
        return float(F.cross_entropy(load_model(folder)(ids_NT)[:, :-1].mT, ids_NT[:, 1:]))


def test_training_begins_with_the_weights_and_reports_both_losses(shards: Path, start: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / "deeper").mkdir(parents=True)
    text = "abcd efgh ij " * 30
    (old / "b.txt").write_text(text)
    (old / "deeper" / "a.txt").write_text(text)
    (old / "notes.md").write_text("not read")
    result = run(going_on(start, old_text=str(old)), shards)
    further = result.metrics.continued
    vocabulary = load_vocabulary(start / "vocabulary")
    one = [*vocabulary.encode_array(vocabulary.prepare(text)), vocabulary.document_end_id]
    ids = torch.tensor(np.array(one * 2, np.int64)[: 2 * len(one) // 16 * 16].reshape(-1, 16))
    assert further.old_tokens == ids.numel()
    assert further.old_loss_before == pytest.approx(loss_of(start, ids), abs=1e-5)
    save_model(tmp_path, result.model)
    assert further.old_loss == pytest.approx(loss_of(tmp_path, ids), abs=1e-5) != further.old_loss_before
    assert result.metrics.val_loss < further.val_loss_before
    assert result.curve[0]["loss"] == pytest.approx(further.val_loss_before, abs=0.5)
    report = write_report({"transformer": result}, tmp_path / "pretrain.json")
    assert read_json(tmp_path / "pretrain.json")["continued"] == report.as_json()["continued"] == further.as_json()


def test_no_steps_of_any_size_leave_the_weights(shards: Path, start: Path) -> None:
    """The learning rate of the first step is all that moves them."""
    result = run(going_on(start, {"pretrain.steps": 1, "pretrain.warmup_steps": 1, "pretrain.lr": 1e-9}), shards)
    for (_, ours), theirs in zip(result.model.named_parameters(), load_model(start).parameters(), strict=True):
        assert (ours - theirs).abs().max() < 1e-7


def test_a_kill_changes_nothing(shards: Path, start: Path) -> None:
    undisturbed = run(going_on(start, {"pretrain.checkpoint_every": 5}), shards)
    calls: list[int] = []
    with pytest.raises(Killed):
        run(going_on(start, {"pretrain.checkpoint_every": 3, "pretrain.validate_every": 9}), shards, publish=killer(8))
    settings = going_on(start, {"pretrain.checkpoint_every": 2, "pretrain.validate_every": 9})
    resumed = run(settings, shards, publish=lambda: calls.append(1))
    assert len(calls) == 12 - 6
    assert weights_of(resumed) == weights_of(undisturbed)
    assert resumed.metrics == undisturbed.metrics


def test_other_weights_are_another_run(shards: Path, start: Path) -> None:
    device, manifest = choose_device("float32", 1), read_manifest(shards)

    def name(settings: Settings) -> str:
        return run_fingerprint(3, settings, manifest, device, 1, CausalLM())

    before = name(going_on(start))
    assert before != name(settings_with(FEW))
    model = load_model(start)
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] += 1
    save_model(start, model)
    assert name(going_on(start)) != before


def test_stages_go_on_from_a_folder_of_hugging_face(tmp_path: Path) -> None:
    """The vocabulary is the folder's, and so are the rows of the model."""
    changes = {f"model.{key}": value for key, value in {"norm": "pre", "feed_forward": 64}.items()}
    own, folder = tmp_path / "own", tmp_path / "released"
    vocabulary = load_vocabulary(write_openai_vocabulary(own / "vocabulary"))
    model = build_model(settings_with(changes).scale, vocabulary.size, seed=7)
    save_model(own, model)
    folder.mkdir()
    assert write_huggingface(folder, model).title == "GPT-2"
    copy_vocabulary(own / "vocabulary", folder / "vocabulary")
    documents = [Document(f"d{number}", "s", TEXT) for number in range(3)]
    for split in ("train", "validation"):
        write_documents(Path("data/clean") / split, documents)
    run = a_run(going_on(folder, changes), "gpt1")
    stage("bpe").main(run)
    made = load_vocabulary("models/vocabulary/gpt1")
    assert made.fingerprint == vocabulary.fingerprint
    write_shards(Path("data/clean"), made, Path("data/shards/gpt1"))
    checked = preflight(run.settings.model_copy(update={"corpus": Corpus(source="installed", packages=["json"])}))
    said = dict(itertools.takewhile(lambda line: line[0] != "", checked))  # before the dry run
    assert said["weights"].startswith(f"trained further from {folder}; they come with a vocabulary of")
    assert said["pre-training"].startswith("12 steps")
    stage("pretrain").main(run)
    report = read_json("reports/pretrain/gpt1.json")
    assert report["steps"] == 12
    assert report["val_loss"] < report["continued"]["val_loss_before"]


@pytest.mark.parametrize("key", ["init_from", "continue_from"])
def test_an_lstm_has_no_weights_from_elsewhere(key: str) -> None:
    with pytest.raises(ValidationError, match=r"weights from elsewhere \(w\) are of a transformer; system gpt1"):
        settings_with({"kind": "lstm"}, pretrain={key: "w"})


@pytest.mark.parametrize("shorter", ["", "abcd"])
def test_an_old_text_that_is_too_short_is_refused(shards: Path, tmp_path: Path, shorter: str) -> None:
    vocabulary = load_vocabulary(shards.parent / "vocabulary")
    (tmp_path / "old.txt").write_text(shorter)
    with pytest.raises(PretraceError, match=r"old.txt: pretrain.old_text has \d+ tokens in 1 files, fewer than one"):
        OldText(str(tmp_path / "old.txt"), vocabulary, 64)
    with pytest.raises(PretraceError, match=r"nowhere.txt: no such file"):
        OldText(str(tmp_path / "nowhere.txt"), vocabulary, 64)


@pytest.mark.parametrize(
    ("pretrain", "said"),
    [
        ({"init_from": "a", "continue_from": "b"}, "`init_from` and `continue_from` exclude each other"),
        ({"old_text": "a"}, "`old_text` is for training further; it needs `continue_from`, or goes"),
        ({"continue_with": {"lr": 0.1}}, "`continue_with` is for training further"),
        ({"continue_from": "a", "continue_with": {"rate": 0.1}}, "continue_with.rate"),
    ],
)
def test_settings_that_do_not_belong_together_are_refused(pretrain: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings_with(pretrain=pretrain)


def test_its_own_rate_warm_up_and_steps_replace_the_scales(tmp_path: Path) -> None:
    own = {"steps": 9, "lr": 1e-4, "warmup_steps": 2}
    settings = settings_with(pretrain={"continue_from": "a", "continue_with": own}).continued()
    section = settings.scale.pretrain
    assert (section.steps, section.lr, section.warmup_steps) == (9, 1e-4, 2)
    assert section.batch_size == settings_with().scale.pretrain.batch_size
    in_tokens = {"pretrain.steps": None, "pretrain.tokens": 640, "pretrain.warmup_steps": None}
    in_tokens |= {"pretrain.warmup_tokens": 64}
    settings = settings_with(in_tokens, pretrain={"continue_from": "a", "continue_with": own}).continued()
    assert (settings.scale.pretrain.steps, settings.scale.pretrain.tokens) == (9, None)
    short = settings_with(pretrain={"continue_from": "a", "continue_with": {"steps": 3}})
    with pytest.raises(
        PretraceError, match=r"params.yaml: pretrain.continue_with: .*warmup_steps 4 is more than steps 3"
    ):
        short.continued()
