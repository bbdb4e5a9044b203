"""Another system through the whole pipeline, by one option, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import tiny_project as tiny

pytestmark = pytest.mark.slow


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def weights_of(project: Path) -> bytes:
    return (project / "models/pretrained/transformer/model.safetensors").read_bytes()


def test_system_is_one_option_away(finished: Path, tmp_path: Path) -> None:
    project = tiny.copied(finished, tmp_path / "project")
    before, table = weights_of(project), (project / "reports/benchmark.json").read_bytes()
    tiny.dvc(project, "exp", "run", "-S", "system=gpt2")

    assert read(project / "models/vocabulary/vocabulary.json")["kind"] == "byte-bpe"
    form = read(project / "models/pretrained/transformer/config.json")["settings"]
    assert (form["norm"], form["residual_init"]) == ("pre", "depth")
    assert "position_std" not in form  # that is for laptop scale
    assert all(row["score"] is not None for row in read(project / "reports/benchmark.json")["rows"])
    assert weights_of(project) != before

    tiny.change_params(project, system="gpt1")
    said = tiny.dvc(project, "repro")
    assert (project / "reports/benchmark.json").read_bytes() == table
    assert weights_of(project) == before
    assert "transformer: loss" not in said  # nothing is trained again
