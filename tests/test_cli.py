"""The command line: what it prints, and that bad input is one line and exit code 1."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ruamel.yaml import YAML

from pretrace.cli import main
from pretrace.files import write_json
from pretrace.model import build_model, save_model
from pretrace.model.heads import TaskModel
from pretrace.model.tensors import save_tensors
from pretrace.settings import load_settings
from pretrace.vocabulary import load_vocabulary, train_vocabulary

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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves behind, with random weights."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "counts.tsv").write_text("".join(f"{word}\t{50 - n}\n" for n, word in enumerate(WORDS)))
    train_vocabulary(folder / "counts.tsv", folder / "models" / "vocabulary", 64)
    size = load_vocabulary(folder / "models" / "vocabulary").size
    write_settings(folder, {})
    scale = load_settings(folder).scale
    pretrained = folder / "models" / "pretrained" / "transformer"
    pretrained.mkdir(parents=True)
    save_model(pretrained, build_model("transformer", scale, size, 1))
    shutil.copytree(folder / "models" / "vocabulary", pretrained / "vocabulary")
    for name, task in TASKS.items():
        out = folder / "models" / "finetuned" / f"{name}-full"
        out.mkdir(parents=True)
        outputs = len(LABELS[name] or [0])
        model = TaskModel(build_model("transformer", scale, size, 2), task["kind"], outputs, 3, 5)
        save_tensors(out / "model.safetensors", model)
        note = {"kind": task["kind"], "labels": LABELS[name], "recipe": {"outputs": outputs}}
        write_json(out / "config.json", note)
    return folder


@pytest.fixture
def repository(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(made, tmp_path / "repository"))
    monkeypatch.chdir(folder)
    return folder


def write_settings(folder: Path, params: dict[str, Any]) -> None:
    laptop = Path(__file__).resolve().parents[1] / "scales" / "laptop.yaml"
    yaml = YAML(typ="safe", pure=True)
    scale = yaml.load(laptop.read_text())
    scale["vocabulary"]["size"] = 64
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output = False, False
    scale["model"] |= {"layers": 1, "width": 16, "heads": 2, "feed_forward": 32, "context": 24, "initial_std": 0.5}
    (folder / "scales").mkdir(exist_ok=True)
    yaml.dump(scale, folder / "scales" / "small.yaml")
    yaml.dump({**PARAMS, "scale": "small", "tasks": TASKS, **params}, folder / "params.yaml")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"pretrace: {arguments[0]}: ")
    assert said.count("\n") == 1
    return said


def test_check_says_what_the_run_is(repository: Path, capsys: Any) -> None:
    settings = load_settings()
    lines = dict(line.split(None, 1) for line in run(capsys, "check").splitlines() if line[0] != " ")
    weights = sum(p.numel() for p in build_model("transformer", settings.scale, 64, 0).parameters())
    section = settings.scale.pretrain
    assert lines["transformer"] == f"{weights:,} parameters"
    tokens = section.steps * section.batch_sequences * settings.scale.model.context
    assert lines["pre-training"] == f"{section.steps:,} updates, {tokens:,} tokens"
    assert lines["fine-tuning"] == "3 tasks x 2 variants x 3 seeds"
    assert "lstm" not in lines
    assert not (repository / "reports").exists()


def test_check_counts_the_lstm_when_a_variant_has_it(repository: Path, capsys: Any) -> None:
    write_settings(repository, {"variants": {"full": {}, "lstm": {"model": "lstm"}}})
    said = run(capsys, "check")
    lstm = build_model("lstm", load_settings().scale, 64, 0)
    assert f"{sum(p.numel() for p in lstm.parameters()):,} parameters" in said


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"lr": "oops"}, "params.yaml: lr: got 'oops'"),
        ({"corpus": {"source": "installed", "packages": ["no_such_package"]}}, "'no_such_package' is not installed"),
        ({"corpus": {"source": "files", "path": "nowhere"}}, "corpus.path: nothing at nowhere"),
        ({"corpus": {"source": "files", "path": "blank"}}, "blank/empty.txt: no text in it"),
        (
            {"tasks": {"mine": {"kind": "classification", "train": "rows.csv", "test": "rows.csv"}}},
            "rows.csv: no column 'label'",
        ),
    ],
)
def test_check_names_what_would_stop_the_run(repository: Path, capsys: Any, params: Any, said: str) -> None:
    (repository / "blank").mkdir()
    (repository / "blank" / "empty.txt").touch()
    (repository / "rows.csv").write_text("text,answer\nfine,1\n")
    write_settings(repository, params)
    assert said in refused(capsys, "check")


def test_check_reads_text_and_rows_of_ones_own(repository: Path, capsys: Any) -> None:
    (repository / "books").mkdir()
    (repository / "books" / "one.txt").write_text("the cat")
    (repository / "rows.csv").write_text("text,label\nfine,1\nbad,0\n")
    task = {"kind": "classification", "train": "rows.csv", "dev": "rows.csv", "test": "rows.csv"}
    write_settings(repository, {"corpus": {"source": "files", "path": "books"}, "tasks": {"mine": task}})
    said = run(capsys, "check")
    assert "the first document is 'one.txt' of source 'one'" in said
    assert "2 train rows" in said


def test_check_refuses_a_disk_without_room(repository: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    assert "1 kB are free" in refused(capsys, "check")


def test_generate_goes_on_from_the_prompt(repository: Path, capsys: Any) -> None:
    prompt = ("generate", "The CAT", "--tokens", "12")
    text = run(capsys, *prompt)
    assert text.startswith("the cat ")
    assert run(capsys, *prompt) == text
    assert run(capsys, *prompt, "--seed", "1") != text
    cold = run(capsys, *prompt, "--temperature", "0")
    assert run(capsys, *prompt, "--temperature", "0", "--seed", "1") == cold
    run(capsys, "generate", "")


def test_generate_without_a_model(project: Path, capsys: Any) -> None:
    assert "models/pretrained/transformer: no model there" in refused(capsys, "generate", "the")


@pytest.mark.parametrize("wrong", [("--tokens", "0"), ("--temperature", "-1"), ("--temperature", "nan")])
def test_generate_refuses_wrong_numbers(wrong: tuple[str, str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["generate", "the", *wrong])


def test_predict_answers_each_row_in_its_order(repository: Path, capsys: Any, monkeypatch: Any) -> None:
    texts = [" ".join(WORDS[n : n + 1 + n % 5]) for n in range(12)]
    (repository / "rows.txt").write_text("\n".join(texts) + "\n\n")
    together = run(capsys, "predict", "topic-full", "rows.txt").splitlines()
    assert len(together) == len(texts)
    assert set(together) <= set(LABELS["topic"])
    assert len(set(together)) > 1, "all answers are the same, so the order is not tested"
    for text, answer in zip(texts, together, strict=True):
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"text": text.upper()})))
        assert run(capsys, "predict", "topic-full").strip() == answer


def test_predict_chooses(repository: Path, capsys: Any) -> None:
    choices = ["the cat", "a mat", "went home", "to bed"]
    rows = [{"first": "it was", "choices": choices}, {"first": "it was", "choices": choices[::-1]}]
    (repository / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    first, second = map(int, run(capsys, "predict", "next-full", "rows.jsonl").split())
    assert choices[first] == choices[::-1][second]


@pytest.mark.parametrize(
    ("cell", "text", "said"),
    [
        ("pair-full", '{"first": "a"}', "rows.jsonl: row 1: 'second' takes text, got None; the row has first"),
        ("pair-full", "the cat", "rows.jsonl: row 1: not JSON"),
        ("pair-full", "[1]", "takes a JSON object with 'first' and 'second'"),
        ("topic-full", '\n{"text": 3}', "rows.jsonl: row 2: 'text' takes text, got 3"),
        ("next-full", '{"first": "a", "choices": ["b"]}', "'choices' takes a list of two or more texts"),
        (
            "next-full",
            '{"first": "a", "choices": ["b", "c"]}\n{"first": "a", "choices": ["b", "c", "d"]}',
            "every row needs the same number of choices",
        ),
        ("topic-full", "\n", "rows.jsonl: no rows there"),
        ("topic-scratch", "the cat", "models/finetuned/topic-scratch/config.json: no such file"),
        ("topic", "the cat", "predict: topic: not in params.yaml, which has topic-full"),
    ],
)
def test_predict_names_what_is_wrong(repository: Path, capsys: Any, cell: str, text: str, said: str) -> None:
    (repository / "rows.jsonl").write_text(text)
    assert said in refused(capsys, "predict", cell, "rows.jsonl")


def test_predict_without_its_file(repository: Path, capsys: Any) -> None:
    assert "nowhere.jsonl: cannot be read" in refused(capsys, "predict", "topic-full", "nowhere.jsonl")
    (repository / "latin.txt").write_bytes(b"caf\xe9")
    assert "latin.txt: not UTF-8 at byte 3" in refused(capsys, "predict", "topic-full", "latin.txt")


def test_predict_of_a_probe_that_could_not_be_made(repository: Path, capsys: Any) -> None:
    write_json(repository / "models/finetuned/topic-full/unavailable.json", {"unavailable": "too few rows"})
    (repository / "rows.txt").write_text("the cat")
    assert "there is no model: too few rows" in refused(capsys, "predict", "topic-full", "rows.txt")


def test_predict_with_other_settings_than_the_model_was_made_with(repository: Path, capsys: Any) -> None:
    file = repository / "scales" / "small.yaml"
    file.write_text(file.read_text().replace("width: 16", "width: 32"))
    (repository / "rows.txt").write_text("the cat")
    assert "model.safetensors: tensor" in refused(capsys, "predict", "topic-full", "rows.txt")
