"""A small run, finished, with random weights; and the command line, run in this process."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pretrace.cli import main
from pretrace.common.files import write_json
from pretrace.model import build_model, save_model
from pretrace.model.checkpoints.safetensors_file import save_tensors
from pretrace.settings import load_settings
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tokens import load_vocabulary, train_vocabulary
from pretrace.training.finetuning.task_head import TaskModel
from tests.helpers import REPOSITORY
from tests.helpers.made_up_results import finetuned_config

TEXT = "the cat sat on a mat and then it was not there any more so we went home to bed"
WORDS = TEXT.split()
TASKS = {
    "topic": {"kind": "classification", "probe": "source"},
    "next": {"kind": "multiple_choice", "probe": "cloze"},
    "pair": {"kind": "similarity", "probe": "same"},
}
PARAMS = {
    "lr": None,
    "seeds": [0, 1, 2],
    "corpus": {"source": "installed", "packages": ["networkx"]},
    "variants": {"full": {}, "scratch": {"pretrained": False}},
}
LABELS = {"topic": ["cats", "dogs", "mats"], "next": None, "pair": ["two", "one"]}


def make_run(folder: Path) -> Path:
    """Write what a run leaves behind, with random weights."""
    (folder / "counts.tsv").write_text("".join(f"{word}\t{50 - n}\n" for n, word in enumerate(WORDS)))
    train_vocabulary(folder / "counts.tsv", folder / "models" / "vocabulary" / "gpt1", 64)
    size = load_vocabulary(folder / "models" / "vocabulary" / "gpt1").size
    write_settings(folder, {})
    scale = load_settings(folder).scale
    pretrained = folder / "models" / "pretrained" / "gpt1" / "transformer"
    pretrained.mkdir(parents=True)
    save_model(pretrained, build_model(scale, size, 1))
    shutil.copytree(folder / "models" / "vocabulary" / "gpt1", pretrained / "vocabulary")
    for name, task in TASKS.items():
        out = folder / "models" / "finetuned" / f"{name}-full"
        out.mkdir(parents=True)
        outputs = len(LABELS[name] or [0])
        language_model = build_model(scale, size, 2)
        described = language_model.describe().as_json()
        form = InputFormat.delimiters(size, language_model.context)
        save_tensors(out / "model.safetensors", TaskModel(language_model, KINDS[task["kind"]], outputs, form, 5))
        write_json(out / "config.json", finetuned_config(LABELS[name], task["kind"], outputs, model=described))
    return folder


def write_settings(folder: Path, params: dict[str, Any]) -> None:
    laptop = REPOSITORY / "scales" / "laptop.yaml"
    yaml = YAML(typ="safe", pure=True)
    scale = yaml.load(laptop.read_text())
    scale["vocabulary"]["size"] = 64
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output = False, False
    scale["model"] |= {"layers": 1, "width": 16, "heads": 2, "feed_forward": 32, "context": 24, "initial_std": 0.5}
    shutil.copytree(REPOSITORY / "systems", folder / "systems", dirs_exist_ok=True)
    (folder / "scales").mkdir(exist_ok=True)
    yaml.dump(scale, folder / "scales" / "small.yaml")
    yaml.dump({**PARAMS, "scale": "small", "systems": ["gpt1"], "tasks": TASKS, **params}, folder / "params.yaml")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"pretrace: {arguments[0]}: ")
    assert said.count("\n") == 1
    return said
