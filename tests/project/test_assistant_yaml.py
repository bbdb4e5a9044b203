"""assistant/dvc.yaml and assistant/params.yaml fit each other, the code and the first pipeline."""

from __future__ import annotations

from typing import Any

import pytest

from pretrace.common.code import ROOT, closure
from pretrace.settings.alignment.load import AssistantSettings, load_assistant_settings
from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny

FOLDER = REPOSITORY / "assistant"
STAGES: dict[str, dict[str, Any]] = tiny.load(FOLDER / "dvc.yaml")["stages"]
PARAMS = tiny.load(FOLDER / "params.yaml")


def test_settings_load_and_every_key_is_written_out() -> None:
    settings = load_assistant_settings(REPOSITORY)
    assert settings.system in tiny.load(REPOSITORY / "params.yaml")["systems"]
    assert set(PARAMS) == set(AssistantSettings.model_fields)
    for name in ("prompts", "gold", "comparisons", "measure", "files", "machine"):
        assert set(PARAMS[name]) == set(type(getattr(settings, name)).model_fields)


@pytest.mark.parametrize("stage", STAGES)
def test_stage_runs_its_script_from_the_root(stage: str) -> None:
    entry = STAGES[stage]
    assert entry["wdir"] == ".." and entry["cmd"] == f"sh stages/run ../assistant/stages/{stage}"
    assert f'run_stage("assistant_{stage}", main)' in (FOLDER / "stages" / f"{stage}.py").read_text()
    assert f"assistant/stages/{stage}.py" in entry["deps"]


@pytest.mark.parametrize("stage", STAGES)
def test_stage_depends_on_the_code_and_the_settings_it_has(stage: str) -> None:
    entry = STAGES[stage]
    code = [dep for dep in entry["deps"] if dep.startswith("src/")]
    files = closure(FOLDER / "stages" / f"{stage}.py")
    names = [path.relative_to(REPOSITORY).as_posix() for path in files if path.is_relative_to(ROOT)]
    missing = sorted(n for n in names if not any(f"{n}/".startswith(f"{dep}/") for dep in code))
    assert not missing, f"stage {stage}: add {', '.join(missing)}, or their folders"
    for dep in code:
        assert any(f"{n}/".startswith(f"{dep}/") for n in names), f"stage {stage} imports nothing of {dep}"
    assert set(entry["params"][0]["assistant/params.yaml"]) <= set(PARAMS)


def test_make_runs_all_stages_in_order() -> None:
    assert f"for stage in {' '.join(STAGES)}; do" in (REPOSITORY / "Makefile").read_text()


def test_first_pipeline_does_not_see_the_second() -> None:
    """Else `dvc status`, `dvc pull` and the gate would count stages that were never run."""
    assert "!/assistant" not in (REPOSITORY / ".dvcignore").read_text()


def test_outputs_of_the_second_pipeline_are_none_of_the_first() -> None:
    for entry in STAGES.values():
        for out in entry["outs"]:
            path = out if isinstance(out, str) else next(iter(out))
            assert path.split("/")[1] == "assistant"
