"""The command line: what it prints, and that bad input is one line and exit code 1."""

from __future__ import annotations

import gzip
import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from ruamel.yaml import YAML

from pretrace import machine
from pretrace.cli import main
from pretrace.corpus import read_files
from pretrace.corpus.bad_input import stop
from pretrace.errors import PretraceError
from pretrace.files import write_json
from pretrace.model import build_model, save_model
from pretrace.model.heads import TaskModel
from pretrace.model.tensors import save_tensors
from pretrace.model.weights import description
from pretrace.needs import corpus_bytes
from pretrace.quantities import readable_bytes, readable_time
from pretrace.settings import Columns, load_settings
from pretrace.trial import Trial, _reason, measure, trial
from pretrace.vocabulary import load_vocabulary, train_vocabulary
from tests.helpers import REPOSITORY

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
TRIAL = Trial(
    device="cpu",
    precision="float32",
    reason="as set",
    compiled="not compiled (as set)",
    micro_batch=4,
    measured=4,
    seconds_a_step=0.5,
    memory=300_000_000,
    memory_is_measured=True,
    peak_flops=1e11,
)
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
        language_model = build_model("transformer", scale, size, 2)
        note = {"kind": task["kind"], "labels": LABELS[name], "model": description(language_model), "columns": {}}
        note |= {"recipe": {"outputs": outputs, "settings": {"precision": "float32"}}, "label_scale": {}}
        save_tensors(out / "model.safetensors", TaskModel(language_model, task["kind"], outputs, 3, 5))
        write_json(out / "config.json", note)
    return folder


@pytest.fixture(autouse=True)
def _no_updates_are_tried(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial takes seconds; one test makes one."""
    if "real_trial" not in request.fixturenames:
        monkeypatch.setattr("pretrace.ahead.measure", lambda kind, settings, processes: TRIAL)


@pytest.fixture
def real_trial() -> None:
    """A test that asks for it tries updates."""


@pytest.fixture
def repository(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(made, tmp_path / "repository"))
    monkeypatch.chdir(folder)
    return folder


def write_settings(folder: Path, params: dict[str, Any]) -> None:
    laptop = REPOSITORY / "scales" / "laptop.yaml"
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


def test_check_says_time_memory_and_cost(repository: Path, capsys: Any) -> None:
    write_settings(repository, {"price_an_hour": 7.2})
    lines = dict(line.split(None, 1) for line in run(capsys, "check").splitlines() if line[0] != " ")
    section = load_settings().scale.pretrain
    assert lines["time"].startswith(f"about {readable_time(section.steps * 0.5)} to pre-train, a cost of 1.45: 0.5 s")
    tokens = section.batch_sequences * load_settings().scale.model.context
    assert f"{tokens / 0.5:,.0f} tokens/s" in lines["time"]
    assert lines["memory"].startswith("measured with micro-batches of 4: 600.0 MB to pre-train, of ")
    assert lines["device"] == "2 processes on cpu, float32 (as set)"


def test_check_says_how_many_epochs_the_text_gives(repository: Path, capsys: Any) -> None:
    (repository / "books").mkdir()
    (repository / "books" / "one.txt").write_text("the cat sat " * 100_000)
    write_settings(repository, {"corpus": {"source": "files", "path": "books"}})
    tokens = 1_200_000 * (1 - 0.03 - 0.25) / 4.3
    epochs = 1450 * 16 * 24 / tokens
    assert f"some {epochs:.1f} epochs of an estimated {tokens / 1e6:.1f} million tokens" in run(capsys, "check")
    write_json(repository / "data/shards/manifest.json", {"splits": {"train": {"tokens": 1450 * 16 * 24 // 2}}})
    assert "2.0 epochs of what data/shards has now" in run(capsys, "check")


def test_check_counts_compressed_text_as_it_unpacks(repository: Path, capsys: Any) -> None:
    random = np.random.default_rng(0)
    text = " ".join(random.choice(WORDS, 400_000))
    (repository / "books").mkdir()
    (repository / "books" / "one.txt.gz").write_bytes(gzip.compress(text.encode()))
    pq.write_table(pa.table({"text": [text]}), repository / "books" / "two.parquet", compression="zstd")
    pa.output_stream(repository / "books" / "three.txt.zst", compression="zstd").write(text.encode())
    size = corpus_bytes("books", stop)
    assert size == pytest.approx(3 * len(text), rel=0.1)
    stored = sum(path.stat().st_size for path in (repository / "books").iterdir())
    assert size > 2 * stored
    write_settings(repository, {"corpus": {"source": "files", "path": "books"}})
    said = run(capsys, "check")
    assert f"{readable_bytes(stored)} ({readable_bytes(size)} unpacked)" in said
    assert f"{readable_bytes(4 * size)} for text" in said


def test_check_of_a_parquet_file_without_a_byte(repository: Path, capsys: Any) -> None:
    (repository / "books").mkdir()
    (repository / "books" / "none.parquet").touch()
    write_settings(repository, {"corpus": {"source": "files", "path": "books"}})
    said = refused(capsys, "check")
    assert "books/none.parquet: no text in it" in said
    with pytest.raises(PretraceError) as error:
        list(read_files("books", Columns()))
    assert str(error.value) in said


def test_check_refuses_what_does_not_fit_in_memory(repository: Path, capsys: Any, monkeypatch: Any) -> None:
    """By what is certain before anything is tried, and by what was measured."""
    monkeypatch.setattr("pretrace.training.memory.memory_bytes", lambda: 400_000_000)
    said = refused(capsys, "check")
    assert (
        "memory: measured with micro-batches of 4: 600.0 MB to pre-train, and this machine has 400.0 MB; lower " in said
    )
    assert "pretrain.micro_batch" in said
    assert "scales/small.yaml" in said
    monkeypatch.setattr("pretrace.training.memory.memory_bytes", lambda: 10_000)
    monkeypatch.setattr("pretrace.ahead.measure", None)
    assert "memory: at least " in refused(capsys, "check")


def test_check_of_a_sharded_model_tries_nothing(repository: Path, capsys: Any, monkeypatch: Any) -> None:
    """One process cannot hold it; and whether a batch can be shared out is said before."""
    monkeypatch.setattr("pretrace.ahead.measure", None)
    file = repository / "scales" / "small.yaml"
    file.write_text(file.read_text().replace("sharded: false", "sharded: true"))
    said = run(capsys, "check")
    assert "time          not measured: the model is held in parts" in said
    assert "memory        at least " in said
    file.write_text(file.read_text().replace("processes: 2", "processes: 3"))
    assert "pretrain.sharded: 3 processes have to take equal shares of a batch of 16" in refused(capsys, "check")


def test_check_tries_real_updates(repository: Path, capsys: Any, real_trial: None, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    said = run(capsys, "check")
    assert "s an update, measured" in said
    assert "measured with micro-batches of 8:" in said
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", ["transformer", "lstm"])
def test_a_trial_is_of_the_share_of_a_process(repository: Path, kind: str) -> None:
    """In this process, as far as it leaves no trace."""
    before = torch.get_num_threads()
    found = trial(kind, load_settings(), 6)
    torch.set_num_threads(before)
    torch.use_deterministic_algorithms(False)
    assert found.micro_batch == found.measured == 6
    assert found.memory_is_measured
    assert found.seconds_a_step > 0
    assert 1e7 < found.memory < 1e11


def test_a_trial_that_fails_is_one_line(repository: Path) -> None:
    settings = load_settings()
    (repository / "params.yaml").unlink()
    with pytest.raises(PretraceError, match=r"lstm: an update was tried and failed \(params.yaml: no such file; .+\)$"):
        measure("lstm", settings, 1)


def test_a_trial_of_fewer_sequences_says_so(repository: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("pretrace.trial.SECONDS", 0.0)
    found = trial("transformer", load_settings(), 6)
    torch.use_deterministic_algorithms(False)
    assert (found.micro_batch, found.measured, found.memory_is_measured) == (6, 2, False)


@pytest.mark.parametrize(
    ("code", "said"), [(-9, ""), (1, "torch.OutOfMemoryError: CUDA out of memory"), (1, "MemoryError")]
)
def test_a_trial_without_memory_says_what_to_lower(repository: Path, code: int, said: str) -> None:
    reason = _reason(code, said, load_settings())
    assert reason.startswith("memory did not suffice; lower processes, pretrain.micro_batch")


def test_memory_is_what_the_control_group_allows(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("pretrace.machine.CGROUPS", tmp_path)
    whole = machine.memory_bytes()
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text(f"{1 << 62}\n")
    assert machine.memory_bytes() == whole
    for file in ("memory.max", "memory/memory.limit_in_bytes"):
        (tmp_path / file).write_text("123456\n")
    assert machine.memory_bytes() == 123456


def test_generate_goes_on_from_the_prompt(repository: Path, capsys: Any) -> None:
    prompt = ("generate", "--prompt", "The CAT", "--tokens", "12")
    text = run(capsys, *prompt)
    assert text.startswith("the cat ")
    assert run(capsys, *prompt) == text
    assert run(capsys, *prompt, "--seed", "1") != text
    cold = run(capsys, *prompt, "--temperature", "0")
    assert run(capsys, *prompt, "--temperature", "0", "--seed", "1") == cold
    run(capsys, "generate")


def test_generate_draws_from_so_many_tokens(repository: Path, capsys: Any) -> None:
    one = run(capsys, "generate", "--prompt", "the cat", "--top", "1", "--temperature", "2")
    assert one == run(capsys, "generate", "--prompt", "the cat", "--temperature", "0")
    shutil.move("models/pretrained/transformer", "elsewhere")
    assert run(capsys, "generate", "elsewhere", "--prompt", "the cat", "--temperature", "0") == one


def test_generate_does_not_talk_to_the_terminal(repository: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("pretrace.training.generate.generate", lambda *_: "the \x1b[2Jcat\nsat\r\x9b5n")
    assert run(capsys, "generate", "--prompt", "the") == "the \\x1b[2Jcat\nsat\\r\\x9b5n\n"


def test_generate_without_a_model(project: Path, capsys: Any) -> None:
    assert "models/pretrained/transformer: no model there" in refused(capsys, "generate", "--prompt", "the")


@pytest.mark.parametrize("wrong", ["--tokens=0", "--temperature=-1", "--temperature=nan", "--top=0"])
def test_generate_refuses_wrong_numbers(wrong: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["generate", "--prompt", "the", wrong])


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
        ("topic-scratch", "the cat", "topic-scratch: not in models/finetuned, which has next-full, pair-full, topic-"),
        ("../pretrained/transformer", "the cat", "not in models/finetuned, which has"),
        (".", "the cat", "not in models/finetuned, which has"),
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


def test_predict_needs_no_settings_and_no_rows_of_the_task(repository: Path, capsys: Any) -> None:
    (repository / "rows.txt").write_text("the cat")
    answer = run(capsys, "predict", "topic-full", "rows.txt")
    (repository / "params.yaml").write_text("no: settings")
    shutil.rmtree(repository / "scales")
    assert run(capsys, "predict", "topic-full", "rows.txt") == answer


def test_predict_with_another_vocabulary(repository: Path, capsys: Any) -> None:
    train_vocabulary(repository / "counts.tsv", repository / "models" / "vocabulary", 66)
    (repository / "rows.txt").write_text("the cat")
    said = refused(capsys, "predict", "topic-full", "rows.txt")
    assert "models/vocabulary: has 66 pieces, and models/finetuned/topic-full was made with 64" in said


def test_predict_names_columns_as_the_task_did(repository: Path, capsys: Any) -> None:
    config = repository / "models/finetuned/pair-full/config.json"
    note = json.loads(config.read_text())
    (repository / "rows.jsonl").write_text('{"one": "the cat", "other": "a mat"}')
    assert "'first' takes text" in refused(capsys, "predict", "pair-full", "rows.jsonl")
    write_json(config, note | {"columns": {"first": "one", "second": "other"}})
    assert run(capsys, "predict", "pair-full", "rows.jsonl").strip() in ("one", "two")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("model", {"context": 8, "settings": {}}, "config.json: settings.layers: missing"),
        ("model", None, "config.json: has no 'model', as it was written by an older version"),
        ("label_scale", None, "config.json: has no 'label_scale'"),
    ],
)
def test_predict_with_what_does_not_fit(repository: Path, capsys: Any, key: str, value: Any, said: str) -> None:
    config = repository / "models/finetuned/topic-full/config.json"
    note = json.loads(config.read_text())
    if value is None:
        del note[key]
    else:
        note[key] |= value
    write_json(config, note)
    (repository / "rows.txt").write_text("the cat")
    assert said in refused(capsys, "predict", "topic-full", "rows.txt")
