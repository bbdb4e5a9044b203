"""DVC unpickles only from a private folder of the clone, however it is started."""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny

pytestmark = pytest.mark.slow
WHERE = "from dvc.repo import Repo; print(Repo().site_cache_dir)"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "somebody's clone, $HOME"
    for name in ("Makefile", "requirements.txt", "pyproject.toml", ".gitignore", ".dvc/config", ".dvc/.gitignore"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / ".venv" / "bin" / "python").chmod(0o755)
    shutil.copy(REPOSITORY / "requirements.txt", folder / ".venv")
    # In a temporary copy, too, where DVC runs an experiment.
    (folder / "dvc.yaml").write_text("stages: {one: {cmd: sed -n /site/p .dvc/config.local >out, outs: [out]}}")
    (folder / ".gitignore").write_text("/.venv\n/out\n")
    tiny.commit(folder, "clone")
    tiny.must(folder, "make", ".venv")
    return folder


def test_site_cache_is_private_wherever_dvc_stands(clone: Path) -> None:
    site = clone / ".dvc" / "site-cache"
    assert stat.S_IMODE(site.stat().st_mode) == 0o700
    (clone / "docs").mkdir()
    for folder in (clone, clone / "docs"):
        said = tiny.must(folder, sys.executable, "-c", WHERE)
        assert Path(said.strip()).is_relative_to(site.resolve())
    assert not tiny.must(clone, "git", "status", "--porcelain")


def test_site_cache_is_the_clone_s_in_an_experiment_s_copy(clone: Path) -> None:
    tiny.dvc(clone, "exp", "run", "--temp", "--name", "apart")
    tiny.dvc(clone, "exp", "apply", "apart")
    assert str(clone.resolve() / ".dvc" / "site-cache") in (clone / "out").read_text()


def test_site_cache_of_a_moved_clone_moves_with_it(clone: Path) -> None:
    moved = clone.rename(clone.parent / "moved")
    shutil.rmtree(moved / ".dvc" / "site-cache")
    tiny.must(moved, "make", ".venv")
    site = moved / ".dvc" / "site-cache"
    assert stat.S_IMODE(site.stat().st_mode) == 0o700
    said = tiny.must(moved, sys.executable, "-c", WHERE)
    assert Path(said.strip()).is_relative_to(site.resolve())
