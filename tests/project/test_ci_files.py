"""The workflow on GitHub runs `.ci/run`, which runs targets that exist; nothing of a pull request becomes code."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from pretrace.review.audit import read_pins
from tests.helpers import REPOSITORY

WORKFLOW: dict[str, Any] = YAML(typ="safe", pure=True).load((REPOSITORY / ".github/workflows/ci.yml").read_text())
SCRIPT = (REPOSITORY / ".ci/run").read_text()


def targets(text: str) -> list[str]:
    return re.findall(r"(?:^|\s)make ([\w.-]+)", text)


def commands(job: str) -> str:
    return "\n".join(step.get("run", "") for step in WORKFLOW["jobs"][job]["steps"])


def test_workflow_runs_the_script_on_each_python() -> None:
    assert commands("checks").strip() == ".ci/run"
    classifiers = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["classifiers"]
    versions = [line.rpartition(" ")[2] for line in classifiers if re.search(r":: 3\.\d", line)]
    assert WORKFLOW["jobs"]["checks"]["strategy"]["matrix"]["python"] == versions == ["3.11", "3.12", "3.13"]


def test_ci_script_runs_lint_types_and_the_tests_of_the_readme() -> None:
    own = [line for line in SCRIPT.splitlines() if line.startswith("make ")]
    assert targets("\n".join(own)) == ["inspect", "lint", "types", "test"]
    assert "make test " in (REPOSITORY / "README.md").read_text()


def test_ci_script_installs_postgresql() -> None:
    assert re.search(r"apt-get install .*postgresql", SCRIPT)


@pytest.mark.parametrize(("job", "target", "path"), [("site", "docs", "site"), ("report", "repro", "reports")])
def test_workflow_publishes_site_and_report(job: str, target: str, path: str) -> None:
    assert targets(commands(job)) == [target]
    assert {"name": job, "path": path} in [step.get("with") for step in WORKFLOW["jobs"][job]["steps"]]


def test_ci_targets_exist_in_makefile() -> None:
    there = re.findall(r"^([\w.-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    own = targets(commands("review"))
    assert {"gate", "diff", "inspect"} <= set(own) <= set(there)
    assert own.index("inspect") < min(own.index("diff"), own.index("gate"))
    assert set(targets(SCRIPT)) <= set(there)


def test_ci_puts_nothing_of_a_pull_request_into_a_command() -> None:
    """A branch may be called `$(...)`: commands see such text as variables of the environment only."""
    assert "pull_request_target" not in WORKFLOW["on"] and WORKFLOW["permissions"] == {"contents": "read"}
    assert not [job for job in WORKFLOW["jobs"] if "${{" in commands(job)]


def test_commit_hooks_run_pinned_tools() -> None:
    hooks = YAML(typ="safe", pure=True).load((REPOSITORY / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]
    pins, packages = read_pins(REPOSITORY / "requirements.txt"), packages_distributions()
    for hook in hooks[0]["hooks"]:
        tool = hook["entry"].removeprefix(".venv/bin/python -m ").split()[0].partition(".")[0]
        assert {canonicalize_name(name) for name in packages[tool]} & pins.keys(), hook["id"]
