"""One run of the made-up pipeline; tests get copies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers import made_up_project as made


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline has run, and all of it was committed, with what each stage cost. Not to be changed."""
    folder = made.make_project(tmp_path_factory.mktemp("ran") / "project")
    files = made.run(folder, "git", "rev-parse", "HEAD").strip()
    made.repro(folder)
    cost = {
        "seconds": 2.5,
        "peak_memory_bytes": 10**8,
        "commit": files,
        "changed": True,
        "machine": "A processor",
        "python": "3.12.1",
    }
    made.write(folder / "reports/cost.json", {"finetune@rte-full": {**cost, "mlflow_record": "abc"}})
    made.commit(folder, "ran")
    return folder


@pytest.fixture
def project(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy with its cache and data, in which the test stands."""
    shutil.copytree(ran, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def clone(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone, with the files in git and no others; the test stands in it."""
    made.run(tmp_path, "git", "clone", "--quiet", str(ran), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "clone"
