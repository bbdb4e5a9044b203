"""Text of one's own, and what is wrong with it: one line that names the place, no traceback, no half-written output."""

from __future__ import annotations

import gzip
import json
import random
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers import tiny_project as tiny

pytestmark = pytest.mark.slow
SOURCES = ("austen", "doyle", "verne")
DOCUMENTS_A_SOURCE = 60
SENTENCES = 7
DISK_BYTES = 2048
CELLS = {
    **{stage: ("gpt1",) for stage in ("bpe", "shard", "pretrain", "encode")},
    "tasks": ("follows",),
    "finetune": ("follows", "full"),
}
"""Names that a stage is given by hand."""
TASK = {"kind": "classification", "train": "train.csv", "dev": "train.csv", "test": "test.csv"}


def text_of(name: str) -> str:
    """Sentences of made-up words, the same for the same name."""
    draw = random.Random(name)
    words = ["".join(draw.choices("abcdefghiklmnoprstu", k=draw.randint(2, 7))) for _ in range(60)]
    sentences = (" ".join(draw.choices(words, k=25)).capitalize() + "." for _ in range(SENTENCES))
    return "\n".join(sentences)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project on text of its own, one source a format, after all that comes before fine-tuning."""
    folder = tmp_path_factory.mktemp("own") / "project"
    corpus = {"source": "files", "path": "books", "validation_share": 0.1, "probe_share": 0.5}
    corpus["columns"] = {"text": "body", "id": "name", "source": "author"}
    probe = {"follows": {"kind": "entailment", "probe": "follows"}}
    tiny.make_project(folder, corpus=corpus, tasks=probe, variants={"full": {"pretrained": True}})
    scale = tiny.load(folder / "scales" / "tiny.yaml")
    scale["vocabulary"]["size"] = 200
    tiny.save(folder / "scales" / "tiny.yaml", scale)
    (folder / "books" / "austen").mkdir(parents=True)
    rows = {source: [] for source in SOURCES}
    for source in SOURCES:
        for number in range(DOCUMENTS_A_SOURCE):
            name = f"{source}{number}"
            rows[source].append({"name": name, "author": source, "body": text_of(name)})
    for row in rows["austen"]:
        (folder / "books" / "austen" / f"{row['name']}.txt").write_text(row["body"])
    (folder / "books" / "doyle.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows["doyle"]))
    pd.DataFrame(rows["verne"]).to_parquet(folder / "books" / "verne.parquet")
    for stage in ("collect", "clean", "bpe", "shard", "pretrain", "tasks", "encode", "cells"):
        tiny.must(folder, sys.executable, f"stages/{stage}.py", *CELLS.get(stage, ()))
    return folder


@pytest.fixture
def project(prepared: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(prepared, tmp_path / "project"))


def change(project: Path, **keys: Any) -> None:
    """Set keys of params.yaml, or of the scale: `corpus__path="x"`, `scale__vocabulary__size=3`; REMOVED takes out."""
    for key, value in keys.items():
        parts = key.split("__")
        file = project / ("scales/tiny.yaml" if parts[0] == "scale" and len(parts) > 1 else "params.yaml")
        values = tiny.load(file)
        *above, last = parts[1:] if file.parent.name == "scales" else parts
        inner = values
        for part in above:
            inner = inner[part]
        inner[last] = value
        if value is REMOVED:
            del inner[last]
        tiny.save(file, values)


REMOVED = object()


def outputs(project: Path) -> dict[str, bytes]:
    """Every file that stages write, with its bytes; what a stage cost and checkpoints aside."""
    below = (path for name in ("data", "models", "reports") for path in (project / name).rglob("*") if path.is_file())
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in below}


def check_refused(project: Path, stage: str, *said: str, arguments: tuple[str, ...] = (), limit: int = 0) -> None:
    """The stage ends with 1 and one line that has all of `said`, and what was there before is still there, alone."""

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    before = outputs(project)
    command = [sys.executable, f"stages/{stage}.py", *(arguments or CELLS.get(stage, ()))]
    # Python itself would leave half a .pyc on a full disk, and stumble over it the next time (python/cpython#126606).
    done = tiny.run(project, *command, before=small_disk if limit else None, PYTHONDONTWRITEBYTECODE="1")
    lines = done.stderr.splitlines()
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert lines[-1].startswith(f"pretrace: {stage}")
    assert [line for line in lines if "pretrace: " in line] == lines[-1:]
    for part in said:
        assert part in lines[-1]
    after = outputs(project)
    if stage == "pretrain":  # its curves grow while it trains, and show how far it came; each is whole
        for name in [name for name in before if name.startswith("reports/curves/")]:
            assert json.loads(after.pop(name)) and before.pop(name)
    assert after == before
    assert not [path for path in project.rglob("*.tmp*") if path.name != "tmp"]


def test_own_text_is_collected_and_cleaned(prepared: Path) -> None:
    clean = json.loads((prepared / "reports" / "clean.json").read_text())
    assert clean["documents_in"] == len(SOURCES) * DOCUMENTS_A_SOURCE
    # A .txt has no columns: its source is its folder.
    assert set(clean["sources"]) == set(SOURCES)
    for splits in clean["sources"].values():
        assert splits["train"]["documents"] and splits["probes"]["documents"]
    documents = pd.concat(pd.read_parquet(path) for path in (prepared / "data" / "documents").iterdir())
    assert {name.removesuffix(".txt").split("/")[-1] for name in documents.id} == {
        f"{source}{number}" for source in SOURCES for number in range(DOCUMENTS_A_SOURCE)
    }
    assert json.loads((prepared / "data" / "tasks" / "follows" / "task.json").read_text())["unavailable"] is None


@pytest.mark.parametrize(
    ("stage", "changes", "said"),
    [
        ("collect", {"corpus__path": "nowhere"}, "params.yaml: corpus.path: nothing at nowhere"),
        ("collect", {"corpus__path": "stages"}, "params.yaml: corpus.path: stages: none of its"),
        ("collect", {"corpus__columns": {"text": "words"}}, "books/doyle.jsonl: row 1: no column 'words'"),
        ("bpe", {"scale__vocabulary__size": 60_000}, "vocabulary.size: 60000 tokens are more than this corpus gives"),
        ("pretrain", {"scale__pretrain__batch_size": 100_000}, "one batch needs 100000"),
        ("clean", {"seeds": REMOVED}, "params.yaml: seeds: missing"),
        ("clean", {"lr": "oops"}, "params.yaml: lr: got 'oops'"),
        ("clean", {"lr": -1.0}, "params.yaml: lr: got -1.0"),
        ("clean", {"lrr": 1}, "params.yaml: lrr: no such setting"),
        ("clean", {"scale": "large"}, "params.yaml: scale: got 'large'; takes one of bert-base, "),
        ("clean", {"scale__model__layers": "two"}, "scales/tiny.yaml: model.layers: got 'two'"),
        (
            "clean",
            {"scale__pretrain__steps": REMOVED},
            "scales/tiny.yaml: pretrain: needs `steps`, `tokens` or `flops`",
        ),
    ],
)
def test_wrong_setting_is_named(project: Path, stage: str, changes: dict[str, Any], said: str) -> None:
    change(project, **changes)
    check_refused(project, stage, said)


def test_empty_corpus_is_refused(project: Path) -> None:
    (project / "empty").mkdir()
    (project / "empty" / "nothing.txt").write_text(" \n")
    change(project, corpus__path="empty")
    check_refused(project, "collect", "empty/nothing.txt: no text in it")
    change(project, corpus__on_bad_input="skip")
    check_refused(project, "collect", "empty: no text there", "nothing.txt: no text in it")


def test_bad_text_stops_the_stage_or_is_rejected(project: Path) -> None:
    rows = [json.dumps({"name": str(number), "author": "hugo", "body": text_of(str(number))}) for number in range(60)]
    cut = gzip.compress("\n".join(rows).encode())[:-2000]
    (project / "books" / "hugo.jsonl.gz").write_bytes(cut)
    (project / "books" / "latin.txt").write_bytes("café".encode("latin-1"))
    check_refused(project, "collect", "books/hugo.jsonl.gz: not a whole .gz file", "set corpus.on_bad_input: skip")
    change(project, corpus__on_bad_input="skip")
    said = tiny.must(project, sys.executable, "stages/collect.py")
    assert "2 rejected (damaged 1, not_utf8 1): data/documents/rejects.jsonl" in said
    report = json.loads((project / "reports" / "collect.json").read_text())
    assert report["rejected"] == {"damaged": 1, "not_utf8": 1}
    rejects = (project / "data" / "documents" / "rejects.jsonl").read_text().splitlines()
    kept = json.loads(rejects[0])["kept"]
    assert 0 < kept < 60
    assert report["documents"] == len(SOURCES) * DOCUMENTS_A_SOURCE + kept
    # The stages after this one do not mind the rejects beside the documents.
    tiny.must(project, sys.executable, "stages/clean.py")
    clean = json.loads((project / "reports" / "clean.json").read_text())
    assert clean["documents_in"] == report["documents"]


def test_corpus_of_too_few_documents_is_refused(project: Path) -> None:
    (project / "few").mkdir()
    for number in range(3):
        (project / "few" / f"{number}.txt").write_text(text_of(str(number)))
    change(project, corpus__path="few")
    tiny.must(project, sys.executable, "stages/collect.py")
    check_refused(project, "clean", "3 documents are left after cleaning, at least 12 are needed")


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ("text,label\nfine,1\nbad,0\n", "text\nfine\n", ["test.csv: no column 'label'", "text"]),
        ("label\n1\n0\n", "text,label\nfine,1\n", ["train.csv: no column 'text'"]),
        ("text,label\nfine,1\nbad,0\n", "text,label\nfine,1\nwhat,2\n", ["test.csv: row 2: label '2'", "0, 1"]),
        ("text,label\nfine,1\n", "text,label\nfine,1\n", ["train.csv: column 'label' has one label only"]),
        ("text,label\n", "text,label\nfine,1\n", ["train.csv: has no rows"]),
        ("text,label\nfine,1\nbad,0\n", None, ["params.yaml: tasks.mine.test: no file test.csv"]),
    ],
)
def test_wrong_task_file_is_named(project: Path, train: str, test: str | None, said: list[str]) -> None:
    (project / "train.csv").write_text(train)
    if test is not None:
        (project / "test.csv").write_text(test)
    change(project, tasks={"mine": TASK})
    check_refused(project, "tasks", *said, arguments=("mine",))


@pytest.mark.parametrize("stage", ["collect", "clean", "bpe", "shard", "pretrain", "tasks", "encode", "finetune"])
def test_full_disk_leaves_old_outputs(project: Path, stage: str) -> None:
    change(project, pretrain__seeds=[1])  # else pre-training would find itself done
    check_refused(project, stage, "the disk is full", limit=DISK_BYTES)
