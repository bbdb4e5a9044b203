"""Fixtures and hooks of all tests: a repository in miniature, no tracking unless a test asks for it, the slow mark."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

pytest.register_assert_rewrite("tests.helpers")

# A busy machine shall not fail a test.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

REPOSITORY = Path(__file__).resolve().parents[1]
PARAMS: dict[str, Any] = {
    "scale": "laptop",
    "systems": ["gpt1"],
    "lr": None,
    "seeds": [0, 1, 2],
    "corpus": {"source": "installed", "packages": ["networkx"]},
    "tasks": {
        "source": {"kind": "classification", "probe": "source"},
        "follows": {"kind": "entailment", "probe": "follows"},
    },
    "variants": {"full": {}, "scratch": {"pretrained": False}},
}
SHARING_FOLDERS = ("integration", "faults")
"""Their tests share a finished pipeline, made once per process, and are all slow; those that take longest first."""


def scope_of(nodeid: str) -> str:
    """The folder or file of a test: what has its tests together in one process, where there are several.

    A run of nothing but faults, hours long, has them in every process.
    """
    path = nodeid.split("::")[0]
    folders = path.split("/")[:-1]
    if folders and folders[-1] == "faults" and os.environ.get("PRETRACE_FAULTS"):
        return nodeid
    return folders[-1] if folders and folders[-1] in SHARING_FOLDERS else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """For `make test`. (The marks of `--dist loadgroup` have no effect with pytest 9.2 and pytest-xdist 3.8.)"""
    from xdist.scheduler import LoadScopeScheduling

    class ByScope(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    config.option.loadscopereorder = False
    return ByScope(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark whole pipelines as slow. Of several processes one begins with them, and the others go through the rest."""
    for item in items:
        if item.path.parent.name in SHARING_FOLDERS:
            item.add_marker("slow")
    if hasattr(config, "workerinput"):
        order = {name: number for number, name in enumerate(SHARING_FOLDERS)}
        items.sort(key=lambda item: order.get(scope_of(item.nodeid), len(order)))


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
    """A folder with `params.yaml`, `scales/laptop.yaml` and `systems/gpt1.yaml`, in which the test stands."""
    for name in ("scales/laptop.yaml", "systems/gpt1.yaml"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(REPOSITORY / name, tmp_path / name)
    from tests.helpers.plain_yaml import write_yaml

    write_yaml(tmp_path / "params.yaml", PARAMS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with random weights. Not to be changed."""
    from tests.helpers.small_run import make_run

    return make_run(tmp_path_factory.mktemp("small-run"))


@pytest.fixture
def repository(small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `small_run`, in which the test stands."""
    folder = Path(shutil.copytree(small_run, tmp_path / "repository"))
    monkeypatch.chdir(folder)
    return folder
