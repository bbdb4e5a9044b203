"""`pretrace track`: the upload queue and the last error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import main
from tests.helpers.mlflow_records import queue_run

SECRET = "s3cr3t-of-mine"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")


@pytest.mark.slow
def test_track_prints_the_queue_and_the_last_error(tracked: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://someone:{SECRET}@127.0.0.1:9")
    assert main(["track"]) == 0
    assert "nothing" in capsys.readouterr().out
    queue_run("clean")
    assert main(["track", "--resend"]) == 1
    assert main(["track"]) == 0
    out = capsys.readouterr().out
    assert "1 in " in out and "pretrace track --resend" in out and "not running" in out
    assert "last error    http://" in out
    assert SECRET not in out


@pytest.mark.slow
def test_track_with_tracking_off(project: Path, capsys: Any) -> None:
    assert main(["track"]) == main(["track", "--resend"]) == 0
    assert capsys.readouterr().out.count("switched off") == 2
    assert not (project / ".pretrace").exists()
