"""MLflow's address, and its password."""

from __future__ import annotations

from typing import Any

import pytest

from pretrace.tracking.config import mlflow_uri


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")


def test_mlflow_uri_has_no_password(monkeypatch: Any) -> None:
    import os

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:p%40ss@host:8080/mlflow")
    assert mlflow_uri() == os.environ["MLFLOW_TRACKING_URI"] == "https://host:8080/mlflow"
    assert (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]) == ("me", "p@ss")
