"""The evaluation text that clean looks for: dev and test rows of tasks that are read from files, and no others."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import EvaluationText, read_evaluation_texts, write_evaluation_texts
from pretrace.settings import load_settings, read_yaml
from pretrace.tasks.decontamination_texts import evaluation_texts


def test_decontamination_texts_are_dev_and_test_rows(project: Path) -> None:
    rows = {"train": 4, "dev": 1, "test": 2}
    for split, count in rows.items():
        table = {"first": [f"{split} {n}: It's" for n in range(count)], "second": ["Two!"] * count}
        pd.DataFrame({**table, "label": ["no", "yes", "no", "yes"][:count]}).to_csv(f"{split}.csv", index=False)
    pairs = {"kind": "entailment", **{split: f"{split}.csv" for split in rows}}
    params = read_yaml(project / "params.yaml")
    params["tasks"]["pairs"] = pairs
    (project / "params.yaml").write_text(json.dumps(params))  # JSON is YAML, too
    found = list(evaluation_texts(load_settings()))
    write_evaluation_texts(project / "data" / "evaluation", found)
    assert list(read_evaluation_texts(project / "data" / "evaluation")) == found
    assert found == [
        EvaluationText("pairs", f"{split}.csv:{row}", text)
        for split, row, number in (("dev", 1, 0), ("test", 1, 0), ("test", 2, 1))
        for text in (f"{split} {number} : it 's", "two !")
    ]


def test_decontamination_texts_may_be_empty(tmp_path: Path) -> None:
    write_evaluation_texts(tmp_path / "evaluation", ())
    assert list(read_evaluation_texts(tmp_path / "evaluation")) == []
    with pytest.raises(PretraceError, match="no documents there"):
        list(read_evaluation_texts(tmp_path / "nowhere"))
