"""ONNX and TorchScript against the model itself: the same logits, the same answers, for any batch and length.

The judges are onnxruntime and `torch.jit.load`, which know nothing of pretrace.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from huggingface_hub import ModelCard

from pretrace.cli import main
from pretrace.common.errors import PretraceError
from pretrace.common.files import write_json
from pretrace.export import export
from pretrace.model import LSTM, Transformer, load_model, save_model
from pretrace.model.checkpoints.safetensors_file import save_tensors
from pretrace.settings import LSTMSettings, ModelSettings
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tokens import load_vocabulary, train_vocabulary
from pretrace.training.finetuning.task_head import TaskModel
from tests.helpers.made_up_results import finetuned_config
from tests.helpers.new_rows import predicted
from tests.helpers.small_run import write_settings
from tests.helpers.small_vocabulary import TEXT

pytestmark = pytest.mark.slow

GRAPHS = ("onnx", "torchscript")
CONTEXT = 24
SETTINGS = ModelSettings(
    **{"layers": 2, "width": 32, "heads": 4, "feed_forward": 128, "context": CONTEXT},
    **{"dropout": 0.1, "embedding_dropout": "table", "initial_std": 0.3},
)
SHAPES = ((1, 1), (3, CONTEXT), (2, 9))
CLASSES = {
    "classification": ["cats", "dogs", "mats"],
    "entailment": ["no", "yes"],
    "similarity": ["no", "yes"],
    "regression": None,
    "soft": None,
    "multiple_choice": None,
}
ROWS: dict[str, Callable[[list[str]], dict[str, Any]]] = {
    "classification": lambda w: {"text": " ".join(w)},
    "multiple_choice": lambda w: {"first": " ".join(w[:3]), "choices": [" ".join(w[n:]) for n in (3, 4, 5)]},
}


READ_OUTS = {"full": "classify", "read": "likelihoods"}
"""What the classifier reads, by variant."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's models with random weights: a transformer, an LSTM, a task of each kind."""
    folder = tmp_path_factory.mktemp("made")
    words = sorted(set(TEXT.split()))
    (folder / "counts.tsv").write_text("".join(f"{word}\t{99 - n}\n" for n, word in enumerate(words)))
    train_vocabulary(folder / "counts.tsv", folder / "models" / "vocabulary" / "gpt1", 60)
    size = load_vocabulary(folder / "models" / "vocabulary" / "gpt1").size
    lstm = LSTMSettings(layers=1, width=20, embedding=12, dropout=0.1, initial_std=0.5)
    by_distance = SETTINGS.model_copy(update={"positions": "relative", "memory_share": 0.5})
    models = {"transformer": Transformer(SETTINGS, size, 1), "lstm": LSTM(lstm, size, CONTEXT, 1)}
    for name, model in {**models, "relative": Transformer(by_distance, size, 1)}.items():
        out = folder / "models" / "pretrained" / "gpt1" / name
        out.mkdir(parents=True)
        save_model(out, model)
        shutil.copytree(folder / "models" / "vocabulary" / "gpt1", out / "vocabulary")
    for kind, labels in CLASSES.items():
        for variant, read_out in READ_OUTS.items():
            write_task_model(folder / "models" / "finetuned" / f"{kind}-{variant}", kind, labels, size, read_out)
    return folder


def write_task_model(out: Path, kind: str, labels: list[str] | None, size: int, read_out: str) -> None:
    out.mkdir(parents=True)
    model = Transformer(SETTINGS.model_copy(update={"initial_std": 1.0}), size, 2)
    outputs = len(labels) if labels else 4 if kind == "soft" else 1
    scale = {"label_scale": {"mean": 2.5, "spread": 1.5}} if kind == "regression" else {}
    task_kind = "regression" if kind == "soft" else kind
    config = finetuned_config(labels, task_kind, outputs, model=model.describe().as_json(), **scale)
    config["recipe"]["read_out"] = read_out
    form = InputFormat.delimiters(model.vocabulary_size, model.context)
    head = TaskModel(model, KINDS[task_kind], outputs, form, 5, read_out)
    if head.reads_likelihoods:
        torch.nn.init.constant_(head.likelihood_spread, 50.0)  # else they alone would decide
    save_tensors(out / "model.safetensors", head)
    write_json(out / "config.json", config)


@pytest.fixture
def project(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def ask(folder: Path, **inputs: np.ndarray) -> np.ndarray:
    """What a graph answers, opened by a program that has only the folder."""
    if (folder / "model.pt").exists():
        with torch.no_grad():
            return torch.jit.load(folder / "model.pt")(*map(torch.from_numpy, inputs.values())).numpy()
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    (output,) = session.run(None, inputs)
    return output


@pytest.mark.slow
@pytest.mark.parametrize("format", GRAPHS)
@pytest.mark.parametrize("kind", ["transformer", "lstm", "relative"])
def test_graph_has_the_logits_of_the_model(project: Path, tmp_path: Path, kind: str, format: str) -> None:
    folder = Path("models/pretrained/gpt1") / kind
    out = export(folder, format, tmp_path / "out")
    model, draw = load_model(folder).eval(), np.random.default_rng(0)
    for shape in SHAPES:
        ids_BT = draw.integers(0, model.vocabulary_size, shape)
        with torch.no_grad():
            expected_BTV = model(torch.from_numpy(ids_BT)).numpy()
        logits_BTV = ask(out, ids=ids_BT)
        assert np.allclose(logits_BTV, expected_BTV, atol=1e-4, rtol=1e-4), np.abs(logits_BTV - expected_BTV).max()
        assert (logits_BTV.argmax(-1) == expected_BTV.argmax(-1)).all()
    assert np.ptp(expected_BTV) > 1, "all logits are alike, so nothing is compared"
    vocabulary = load_vocabulary(out / "vocabulary")
    assert vocabulary.encode(TEXT) == load_vocabulary(folder / "vocabulary").encode(TEXT)


@pytest.mark.slow
@pytest.mark.parametrize("format", GRAPHS)
@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("variant", READ_OUTS)
def test_graph_of_a_task_predicts_as_predict_does(
    project: Path, tmp_path: Path, variant: str, name: str, format: str
) -> None:
    """From rows of text, of different lengths, by what the card says of the layout."""
    cell = f"{name}-{variant}"
    note = json.loads(Path(f"models/finetuned/{cell}/config.json").read_text())
    words, kind = TEXT.split(), note["kind"]
    draw = random.Random(0)
    chosen = [draw.choices(words, k=6 + n % 4) for n in range(24)]
    rows = [ROWS.get(kind, lambda w: {"first": " ".join(w[:3]), "second": " ".join(w[3:])})(part) for part in chosen]
    expected = predicted(cell, rows, tmp_path)
    out = export(cell, format, tmp_path / "out")
    vocabulary = load_vocabulary(out / "vocabulary")
    read = [KINDS[kind].sequences] + [KINDS[kind].alone] * (READ_OUTS[variant] == "likelihoods")
    encoded = [[np.array(vocabulary.encode(text)) for text in parts_of(row)] for row in rows]
    form = InputFormat.delimiters(vocabulary.size, CONTEXT)
    sequences = [[ids for part in read for ids in part(texts, form)] for texts in encoded]
    last_NS = np.array([[len(ids) - 1 for ids in example] for example in sequences])
    ids_NST = np.full((*last_NS.shape, last_NS.max() + 1), 7)
    for n, example in enumerate(sequences):
        for s, ids in enumerate(example):
            ids_NST[n, s, : len(ids)] = ids
    output = ask(out, ids=ids_NST, last=last_NS)
    if kind == "regression":
        assert output.tolist() == pytest.approx(expected, abs=2e-3)
    else:
        assert [note["labels"][n] if note["labels"] else n for n in output.argmax(1)] == expected
    assert len(set(expected)) > 1, "all answers are the same, so nothing is compared"


def parts_of(row: dict[str, Any]) -> list[str]:
    return [part for value in row.values() for part in (value if isinstance(value, list) else [value])]


def test_onnx_graph_is_valid_and_names_its_axes(project: Path, tmp_path: Path) -> None:
    model = onnx.load(export("models/pretrained/gpt1/transformer", "onnx", tmp_path / "out") / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    axes = [[axis.dim_param for axis in value.type.tensor_type.shape.dim] for value in model.graph.input]
    assert axes == [["batch", "time"]]


@pytest.mark.slow
def test_torchscript_graph_opens_without_pretrace(project: Path, tmp_path: Path) -> None:
    out = export("models/pretrained/gpt1/transformer", "torchscript", tmp_path / "out")
    code = "import sys, torch; found = torch.jit.load(sys.argv[1])(torch.tensor([[1, 2, 3]])); print(found.shape[:2])"
    code += "; assert 'pretrace' not in sys.modules"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-c", code, str(out / "model.pt")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == "torch.Size([1, 3])\n", done.stderr


def test_export_of_the_same_model_has_the_same_bytes(project: Path, tmp_path: Path) -> None:
    one, two = (export("classification-full", "onnx", tmp_path / name) for name in ("one", "two"))
    assert {p.name: p.read_bytes() for p in one.iterdir() if p.is_file()} == {
        p.name: p.read_bytes() for p in two.iterdir() if p.is_file()
    }


def test_export_without_out_goes_to_models_exported(project: Path, capsys: Any) -> None:
    for _ in range(2):  # the second one takes the place of the first
        assert main(["export", "classification-full", "--to", "torchscript"]) == 0
        assert capsys.readouterr().out == "models/exported/classification-full-torchscript\n"
    write_settings(project, {})  # they say which system is the first
    assert main(["export", "--to", "torchscript"]) == 0
    assert capsys.readouterr().out == "models/exported/gpt1-transformer-torchscript\n"
    shutil.rmtree("models/exported")


@pytest.mark.parametrize(
    ("model", "format", "said"),
    [
        (
            "classification-full",
            "huggingface",
            "the format huggingface cannot hold a fine-tuned model; takes onnx or torchscript",
        ),
        ("models/finetuned/classification-full", "openai", "the format openai cannot hold a fine-tuned model"),
        (
            "models/pretrained/gpt1/lstm",
            "openai",
            "openai cannot hold a model of kind lstm; takes onnx or torchscript",
        ),
        (
            "nothing-full",
            "onnx",
            "nothing-full: not in models/finetuned, which has classification-full, class",
        ),
        ("models/nowhere", "onnx", "models/nowhere: no model there"),
    ],
)
def test_export_errors_are_one_line(project: Path, tmp_path: Path, model: str, format: str, said: str) -> None:
    with pytest.raises(PretraceError) as error:
        export(model, format, tmp_path / "out")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("model", "format"), [("transformer", "huggingface"), ("lstm", "onnx")])
def test_card_of_a_model_without_reports_says_so(project: Path, tmp_path: Path, model: str, format: str) -> None:
    out = export(f"models/pretrained/gpt1/{model}", format, tmp_path / "out")
    card = ModelCard.load(out / "README.md")
    assert card.data.license == "unknown"
    assert "without the reports of the run that made them" in card.text
