"""Learners in the settings: their systems, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings import load_settings
from pretrace.settings.learners.sequence import SequenceSettings
from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny

RESTORE = {"restore": {"probe": "restore"}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("scales", "systems", "prompts"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    tiny.change_params(tmp_path, sequences=RESTORE)
    return tmp_path


def test_defaults_have_a_learner_of_each_form(project: Path) -> None:
    settings = load_settings(project)
    systems = {name: settings.system_of_learner(name) for name in settings.learners}
    assert systems == {"transformer": "transformer", "gpt2": "gpt2", "pretrained": "gpt1"}
    assert settings.learner_scale("transformer").kind == "encoder_decoder"
    assert settings.learner_scale("gpt2").model.norm == "pre"
    assert settings.learner_scale("pretrained") == settings.scale


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        ({"system": "bert"}, "learners.one.system: bert does not predict next tokens"),
        ({"system": "word2vec"}, "learners.one.system: word2vec does not predict next tokens"),
        ({"system": "elmo"}, "learners.one.system: elmo does not predict next tokens"),
        ({"system": "gpt2", "pretrained": True}, "learners.one.pretrained: gpt2 is none of `systems`; takes false"),
        ({"system": "transformer", "pretrained": True}, "learners.one.pretrained: transformer is not pre-trained"),
        ({"system": "gpt9"}, "params.yaml: systems: got 'gpt9'; takes one of"),
        ({"systems": "gpt2"}, "learners.one.systems"),
    ],
)
def test_learner_that_cannot_learn_is_refused(project: Path, learner: dict[str, Any], message: str) -> None:
    tiny.change_params(project, learners={"one": learner})
    with pytest.raises(PretraceError, match=message.replace("(", r"\(")):
        load_settings(project)


def test_encoder_decoder_is_not_pre_trained(project: Path) -> None:
    tiny.change_params(project, systems=["transformer"])
    with pytest.raises(PretraceError, match="systems: transformer is an `encoder_decoder`, which is not pre-trained"):
        load_settings(project)


def test_learners_are_checked_where_there_is_something_to_learn(project: Path) -> None:
    tiny.change_params(project, sequences={}, systems=["bert"])
    assert load_settings(project).first_system == "bert"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"positions": "relative"}, "model.positions: got relative; an `encoder_decoder` takes sinusoidal or learned"),
        ({"output": "transform"}, "model.output: got transform; an `encoder_decoder` takes tied or tied_bias"),
        ({"segments": 2}, "model.segments: got 2; an `encoder_decoder` takes 0"),
    ],
)
def test_form_of_two_stacks(project: Path, form: dict[str, Any], message: str) -> None:
    file = project / "systems/transformer.yaml"
    values = tiny.load(file)
    tiny.save(file, {**values, "model": values["model"] | form})
    with pytest.raises(PretraceError, match=message):
        load_settings(project)


def test_settings_of_sequences_fit_each_other() -> None:
    assert SequenceSettings().averaged == 5
    with pytest.raises(ValueError, match="4 steps have 2 checkpoints"):
        SequenceSettings(steps=4, checkpoint_every=2, averaged=3)
    with pytest.raises(ValueError, match="length_penalty: is for `beams` of 2 or more"):
        SequenceSettings(beams=1)
