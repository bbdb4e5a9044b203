"""The page for a task of one's own, followed to the letter as far as no model is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pretrace.settings import load_settings
from pretrace.tasks.read_task import read_task_files
from tests.helpers import REPOSITORY

PAGE = REPOSITORY / "docs" / "your-task.md"


@pytest.mark.slow
def test_page_makes_a_task(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text(encoding="utf-8")
    script = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]
    entry, columns = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    said = re.findall(r"^task mine +(.*)$", text, re.MULTILINE)[0]
    (project / "rows").mkdir()
    subprocess.run([sys.executable, "-c", script], check=True)
    params = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(params.replace("\ntasks:\n", f"\ntasks:\n{entry}"))
    task = load_settings().tasks["mine"]
    found = read_task_files("mine", task, str)
    assert found.labels == ["class", "function"]
    assert ", ".join(f"{len(rows):,} {split} rows" for split, rows in found.splits.items()) == said
    apart = {"dev": 0.0, "test": 0.0}
    assert found.details == {"left_out": {}, "overlap": {}, "share_text_with_train": apart}
    (project / "params.yaml").write_text(params.replace("\ntasks:\n", f"\ntasks:\n{entry}{columns}"))
    assert load_settings().tasks["mine"].columns.text == "review"
