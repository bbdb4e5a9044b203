"""Submissions to GLUE's server, in its form."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pretrace.common.errors import PretraceError
from pretrace.report.glue import write_submissions
from pretrace.settings import load_settings
from tests.helpers import made_up_results as made_up


def write_predictions(project: Path, cell: str, labels: list[str] | None, predictions: list[float]) -> None:
    folder = project / "models" / "finetuned" / cell
    made_up.write(folder / "config.json", made_up.finetuned_config(labels))
    ids = [str(index) for index in range(len(predictions))]
    pd.DataFrame({"id": ids, "prediction": predictions}).to_parquet(folder / "unlabeled.parquet")


@pytest.fixture
def glue(project: Path) -> Path:
    params = YAML(typ="safe", pure=True).load(project / "params.yaml")
    params["tasks"] |= {name: {"ready": name} for name in ("cola", "mnli_m", "stsb")}
    with (project / "params.yaml").open("w") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)
    write_predictions(project, "cola-full", ["unacceptable", "acceptable"], [1, 0])
    write_predictions(project, "mnli_m-full", ["contradiction", "entailment", "neutral"], [2, 0, 1])
    write_predictions(project, "stsb-full", None, [5.25, -0.5, 3.14159])
    write_predictions(project, "cola-scratch", ["unacceptable", "acceptable"], [0, 0])
    return project


def write(project: Path) -> dict[str, str]:
    out = project / "data" / "glue"
    write_submissions(load_settings(), project / "models" / "finetuned", out)
    return {str(path.relative_to(out)): path.read_text() for path in sorted(out.rglob("*.tsv"))}


def test_submission_has_a_file_for_each_task_in_the_servers_words(glue: Path) -> None:
    assert write(glue) == {
        "full/CoLA.tsv": "index\tprediction\n0\t1\n1\t0\n",
        "full/MNLI-m.tsv": "index\tprediction\n0\tneutral\n1\tcontradiction\n2\tentailment\n",
        "full/STS-B.tsv": "index\tprediction\n0\t5.000\n1\t0.000\n2\t3.142\n",
        "scratch/CoLA.tsv": "index\tprediction\n0\t0\n1\t0\n",
    }


def test_submission_is_empty_without_unlabeled_rows(project: Path) -> None:
    assert write(project) == {}
    assert (project / "data" / "glue").is_dir()


def test_broken_predictions_are_named(glue: Path) -> None:
    (glue / "models" / "finetuned" / "stsb-full" / "unlabeled.parquet").write_bytes(b"PAR1")
    with pytest.raises(PretraceError, match=r"stsb-full/unlabeled\.parquet: not readable .*finetune@stsb-full"):
        write(glue)
