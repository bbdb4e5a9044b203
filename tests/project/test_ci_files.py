"""What CI runs on GitHub and what `.ci/run` runs are the same targets, and there are such targets."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML

from tests.helpers import REPOSITORY

WORKFLOW: dict[str, Any] = YAML(typ="safe", pure=True).load((REPOSITORY / ".github/workflows/ci.yml").read_text())


def targets(text: str) -> list[str]:
    return re.findall(r"(?:^|\s)make ([\w.-]+)", text)


def commands(job: str) -> str:
    return "\n".join(step.get("run", "") for step in WORKFLOW["jobs"][job]["steps"])


def test_ci_files_run_the_same_targets() -> None:
    own = [line for line in (REPOSITORY / ".ci/run").read_text().splitlines() if line.startswith("make ")]
    assert targets(commands("checks")) == targets("\n".join(own)) == ["lint", "test"]


def test_ci_files_install_postgresql() -> None:
    for text in (commands("checks"), (REPOSITORY / ".ci/run").read_text()):
        assert re.search(r"apt-get install .*postgresql", text)


def test_ci_targets_exist_in_makefile() -> None:
    there = re.findall(r"^([\w.-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert {"gate", "diff"} <= set(targets(commands("review"))) <= set(there)


def test_ci_puts_nothing_of_a_pull_request_into_a_command() -> None:
    """A branch may be called `$(...)`: commands see such text as variables of the environment only."""
    assert "pull_request_target" not in WORKFLOW["on"] and WORKFLOW["permissions"] == {"contents": "read"}
    assert "${{" not in commands("review") + commands("checks")
