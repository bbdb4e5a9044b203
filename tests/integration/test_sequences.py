"""Tasks from text to text through the whole pipeline, by one option: two ways of learning in one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers import tiny_project as tiny

pytestmark = pytest.mark.slow
SMALL = {"restore": {"probe": "restore", "train_rows": 300, "test_rows": 20, "metrics": ["bleu", "chrf", "exact"]}}
LEARNERS = {"transformer": {"system": "transformer"}, "pretrained": {"pretrained": True}}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_learners_of_a_probe_are_in_one_table(finished: Path, tmp_path: Path) -> None:
    project = tiny.copied(finished, tmp_path / "project")
    before = (project / "reports/benchmark.json").read_bytes()
    tiny.change_params(project, sequences=SMALL, learners=LEARNERS)
    ran = tiny.ran(tiny.dvc(project, "repro"))
    assert set(ran) == {"sequences", "learn@restore-transformer", "learn@restore-pretrained", "report"}

    benchmark = read(project / "reports/benchmark.json")
    assert set(benchmark["sequence_scores"]["restore"]) == set(LEARNERS)
    assert json.loads(before)["scores"] == benchmark["scores"]
    by_learner = {one["learner"]: one for one in benchmark["sequences"]}
    assert by_learner["transformer"]["kind"] == "encoder_decoder"
    assert by_learner["pretrained"]["system"] == "gpt1"
    rows = read(project / "reports/sequences/rows.json")["restore"]["rows"]
    for name, one in by_learner.items():
        assert one["n_train"] + one["left_out"] == rows["train"]
        assert (one["n_train"] > 0, one["n_test"]) == (True, rows["test"])
        assert one["metrics"]["bleu"]["signature"].startswith("nrefs:1")
        written = pd.read_parquet(project / f"data/written/restore-{name}.parquet")
        assert written["seed"].value_counts().to_dict() == dict.fromkeys((1, 2), rows["test"])
    assert "## Text to text" in (project / "reports/benchmark.md").read_text()
    assert "Text to text" in (project / "reports/index.html").read_text()

    tiny.change_params(project, sequences={}, learners={})
    tiny.dvc(project, "repro")
    assert (project / "reports/benchmark.json").read_bytes() == before


def test_bad_pairs_are_one_line(tmp_path: Path) -> None:
    """Before anything is trained: a column is missing, or a text is longer than the context."""
    project = tiny.make_project(tmp_path / "project")
    (project / "rows" / "pairs.csv").write_text("source,target\n" + "a b c,c b a\n" * 3)
    for entry, message in [
        ({"train": "rows/pairs.csv", "columns": {"source": "english"}}, "english"),
        ({"train": "rows/none.csv"}, "no file rows/none.csv"),
    ]:
        tiny.change_params(project, sequences={"mine": entry})
        said = tiny.run(project, "sh", "stages/run", "sequences")
        assert said.returncode == 1
        assert len([line for line in said.stderr.splitlines() if line]) == 1
        assert message in said.stderr
