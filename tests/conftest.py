"""What tests share: a repository in miniature, and no tracking unless a test asks for it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from plain_yaml import write_yaml

# A busy machine shall not fail a test.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

REPOSITORY = Path(__file__).resolve().parents[1]
PARAMS: dict[str, Any] = {
    "scale": "laptop",
    "lr": None,
    "seeds": [0, 1, 2],
    "corpus": {"source": "installed", "packages": ["networkx"]},
    "tasks": {
        "source": {"kind": "classification", "probe": "source"},
        "follows": {"kind": "entailment", "probe": "follows"},
    },
    "variants": {"full": {}, "scratch": {"pretrained": False}},
}


SHARING_FOLDERS = ("faults", "pipeline")
"""Their tests share a pipeline that has run, which is made once a process."""


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of several processes of tests (`make test`), one has all tests that share what is costly to make."""
    for item in items:
        name = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group(name if name in SHARING_FOLDERS else str(item.path)))


@pytest.fixture(autouse=True)
def _no_tracking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRETRACE_TRACKING", "off")
    for name in ("DVC_ROOT", "DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _plain_floating_point() -> Iterator[None]:
    """Training flushes subnormal numbers to zero in its whole process; hypothesis refuses to draw floats after that."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Development data, which lie beside the repository and are no part of it; without them, the test is skipped."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(f"needs development data in {folder}")
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `params.yaml` and `scales/laptop.yaml`, in which the test stands."""
    (tmp_path / "scales").mkdir()
    shutil.copy(REPOSITORY / "scales" / "laptop.yaml", tmp_path / "scales")
    write_yaml(tmp_path / "params.yaml", PARAMS)
    monkeypatch.chdir(tmp_path)
    return tmp_path
