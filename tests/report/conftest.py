"""Reports of a made-up run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY
from tests.helpers import made_up_results as made_up
from tests.helpers.plain_yaml import read_yaml, write_yaml


@pytest.fixture
def reports(project: Path) -> Path:
    """Return the folder of the reports, as the stages before the report write them."""
    made_up.write_results(project / "reports")
    return project / "reports"


@pytest.fixture
def two_systems(reports: Path, project: Path) -> Path:
    """Return the folder of the reports of an experiment that has GPT-2 beside GPT-1, with a variant `gpt2_full`."""
    shutil.copy(REPOSITORY / "systems" / "gpt2.yaml", project / "systems")
    params = read_yaml(project / "params.yaml")
    variants = {**params["variants"], "gpt2_full": {"system": "gpt2"}}
    write_yaml(project / "params.yaml", {**params, "systems": ["gpt1", "gpt2"], "variants": variants})
    made_up.add_system(reports, "gpt2")
    for name in made_up.KINDS:
        result = made_up.result(name, "full") | {"variant": "gpt2_full"}
        made_up.write(reports / "finetune" / f"{name}-gpt2_full.json", result)
        answers = [made_up.right_on(0.45, seed) for seed in range(3)]
        made_up.write_predictions(reports.parent / "data", name, "gpt2_full", answers)
    return reports
