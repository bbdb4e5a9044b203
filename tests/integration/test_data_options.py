"""GPT-3's data work through the pipeline: quality classifier, mix of sources, scores on clean rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import tiny_project as tiny
from tests.helpers.planted_text import text

pytestmark = pytest.mark.slow

ROWS = 60
MARKS = {"wanted": "therefore moreover ", "spam": "click subscribe ", "crawl": "therefore moreover "}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def row(number: int) -> str:
    return text(f"row{number}", 20, line=20)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two sources of which half of one is spam, and a task: every second row of its test file is in the wanted one."""
    for source, count in (("wanted", 40), ("crawl", 40)):
        (tmp_path / "text" / source).mkdir(parents=True)
        for n in range(count):
            mark = MARKS["spam" if source == "crawl" and n % 2 else source] * 20
            planted = "\n".join(row(k) for k in range(n, ROWS, count) if k % 2) if source == "wanted" else ""
            (tmp_path / "text" / source / f"{n:02}.txt").write_text(f"{text(f'{source}{n}', 240)}\n{mark}\n{planted}\n")
    task = {"kind": "classification", "train": "rows/train.csv", "dev": "rows/dev.csv", "test": "rows/test.csv"}
    sides = {"positives": {"sources": ["wanted"]}, "negatives": {"files": ["rows/spam"]}}
    project = tiny.make_project(tmp_path / "project", tasks={"mine": task}, seeds=[1, 2])
    corpus = tiny.load(project / "params.yaml")["corpus"]
    quality = {**corpus["quality"], "classifier": sides, "contamination": {"action": "report"}}
    corpus |= {"source": "files", "path": str(tmp_path / "text"), "quality": quality, "mix": {"wanted": 3, "crawl": 1}}
    tiny.change_params(project, corpus=corpus)
    for split, first in (("train", 1000), ("dev", 2000), ("test", 0)):
        lines = [f"{row(first + n)},{'ab'[n % 3 == 0]}" for n in range(ROWS)]
        (project / "rows" / f"{split}.csv").write_text("\n".join(["text,label", *lines, ""]))
    (project / "rows" / "spam").mkdir()
    for n in range(20):
        (project / "rows" / "spam" / f"{n}.txt").write_text(f"{text(f'spam{n}', 240)}\n{MARKS['spam'] * 20}\n")
    return project


def test_data_options_go_through_the_pipeline(project: Path) -> None:
    tiny.commit(project, "own text")
    tiny.dvc(project, "repro")
    clean = read(project / "reports/clean.json")
    classifier = clean["classifier"]
    assert classifier["accuracy"] == 1.0
    assert [(file["path"], len(file["sha256"])) for file in classifier["files"]] == [("rows/spam", 64)]
    assert classifier["sources"].keys() == {"crawl"}
    rejects = [json.loads(line) for line in (project / "data/clean/rejects.jsonl").read_text().splitlines()]
    kept = 40 - sum(reject["reason"] == "classifier" for reject in rejects)
    assert (classifier["sources"]["crawl"]["documents"], classifier["sources"]["crawl"]["kept"]) == (40, kept)
    spam = [reject for reject in rejects if int(reject["id"][-6:-4]) % 2]
    assert len(spam) > len(rejects) / 2

    mix = read(project / "reports/pretrain.json")["mix"]
    assert {source: numbers["weight"] for source, numbers in mix.items()} == {"crawl": 0.25, "wanted": 0.75}
    assert sum(numbers["tokens"] * numbers["epochs"] for numbers in mix.values()) == pytest.approx(
        20 * 4 * 32, rel=0.01
    )

    found = clean["found_rows"]["mine"]
    assert found["words"] == 13
    numbers = {int(name.rpartition(":")[2]) for name in found["rows"] if "test.csv" in name}
    assert numbers
    assert all((number - 1) % 2 for number in numbers)  # rows are counted from 1
    by_column = {one["variant"]: one for one in read(project / "reports/benchmark.json")["contamination"]}
    assert {"full", "scratch", "majority", "tfidf"} <= by_column.keys()
    full = by_column["full"]
    assert (full["rows"], full["clean_rows"], full["too_short"]) == (ROWS, ROWS - len(numbers), 0)
    assert "## Contamination" in (project / "reports/benchmark.md").read_text()

    # A file of examples in rows/ is watched.
    spam_files = sorted((project / "rows" / "spam").iterdir())
    spam_files[0].write_text(spam_files[0].read_text() + "click\n")
    said = tiny.dvc(project, "repro", "clean")
    assert "Running stage 'evaluation'" in said
    assert "Running stage 'clean'" in said


@pytest.mark.parametrize(
    ("change", "stage", "line"),
    [
        (
            {"positives": {"sources": ["wanted "]}, "negatives": {"sources": ["crawl"]}},
            "clean",
            "corpus.quality.classifier.positives.sources: 'wanted ' is no source of the corpus; it has crawl, wanted",
        ),
        (
            {"positives": {"sources": ["wanted"]}, "negatives": {"files": ["rows/gone.txt"]}},
            "evaluation",
            "params.yaml: corpus.quality.classifier.negatives.files: nothing at rows/gone.txt",
        ),
    ],
)
def test_bad_examples_are_one_line(project: Path, change: dict[str, Any], stage: str, line: str) -> None:
    corpus = tiny.load(project / "params.yaml")["corpus"]
    tiny.change_params(project, corpus=corpus | {"quality": {**corpus["quality"], "classifier": change}})
    for name in ("collect", "evaluation", "clean")[: 1 + ["collect", "evaluation", "clean"].index(stage)]:
        done = tiny.run(project, "python", f"stages/{name}.py")
        assert (done.returncode == 0) == (name != stage), done.stderr
    assert line in done.stderr
    assert "Traceback" not in done.stderr
