"""`stages/run` takes the Python that runs DVC, in a shell that has another one or none; and says so if none will do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY
from tests.helpers import tiny_project as tiny

BARE = {"PATH": "/usr/bin:/bin"}
"""A shell without an active environment."""
BY_HAND = ("timeout", "60", "sh", "stages/run")
"""Started by a program that is neither a Python nor a shell."""
WHICH = "import pathlib, sys\npathlib.Path('which.txt').write_text('\\n'.join([sys.executable, *sys.argv]))\n"
PIPELINE = "stages:\n  one:\n    cmd: sh stages/run one 'a b'\n    deps: [stages/one.py]\n    outs: [which.txt]\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "a project"
    (folder / "stages").mkdir(parents=True)
    shutil.copy(REPOSITORY / "stages" / "run", folder / "stages")
    (folder / "stages" / "one.py").write_text(WHICH)
    return folder


def said(folder: Path) -> list[str]:
    return (folder / "which.txt").read_text().splitlines()


def python_in(folder: Path, script: str) -> Path:
    """An executable called `python` that is a shell script."""
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return python


@pytest.mark.parametrize("shell", ["sh stages/run one 'a b'", "sh -c \"sh stages/run one 'a b'; true\""])
def test_python_that_started_the_shell_runs_the_stage(project: Path, shell: str) -> None:
    start = f"import subprocess; subprocess.run(['/bin/sh', '-c', {shell!r}], check=True)"
    tiny.must(project, sys.executable, "-c", start, **BARE)
    assert said(project) == [sys.executable, "stages/one.py", "a b"]


def test_python_named_by_a_relative_path_is_found(project: Path) -> None:
    own = project / "env" / "bin" / "python3"
    own.parent.mkdir(parents=True)
    own.symlink_to(Path(sys.executable).resolve())
    (project / "env" / "lib").symlink_to(Path(sys.prefix) / "lib")
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", project / "env")
    start = "import subprocess; subprocess.run(['sh', 'stages/run', 'one'], check=True)"
    tiny.must(project, "env/bin/python3", "-c", start, **BARE)
    assert said(project)[0] == str(own)


def test_environment_of_the_repository_comes_before_another_python(project: Path) -> None:
    """As for a DVC that is installed by itself, whose Python lacks the packages; also in the copy for an experiment."""
    python_in(project / "other", "exit 1")
    python_in(project / ".venv" / "bin", f'echo own; exec "{sys.executable}" "$@"')
    copy = project / ".dvc" / "tmp" / "exps" / "1"
    shutil.copytree(project / "stages", copy / "stages")
    for folder in (project, copy):
        output = tiny.must(folder, *BY_HAND, "one", PATH=f"{project / 'other'}:/usr/bin:/bin")
        assert output == "own\nown\n"


def test_no_usable_python_is_one_line(project: Path) -> None:
    other = python_in(project / "other", "echo Traceback >&2; exit 1")
    done = tiny.run(project, *BY_HAND, "one", PATH=f"{other.parent}:/usr/bin:/bin")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and str(other) in done.stderr
    assert "make .venv" in done.stderr and "dvc checkout" in done.stderr
    assert not (project / "which.txt").exists()


@pytest.mark.slow
def test_dvc_runs_stages_with_its_own_python(project: Path) -> None:
    """`dvc repro`, and an experiment in a folder of its own, from a shell where `python` is another one."""
    other = python_in(project / "other", "echo 'ModuleNotFoundError: ruamel'; exit 1")
    bare = {"PATH": f"{other.parent}:/usr/bin:/bin"}
    (project / "dvc.yaml").write_text(PIPELINE)
    (project / ".gitignore").write_text("/which.txt\n")
    tiny.must(project, "git", "init", "--quiet")
    dvc = str(Path(sys.executable).with_name("dvc"))
    tiny.must(project, dvc, "init", "--quiet", **bare)
    tiny.must(project, dvc, "repro", **bare)
    assert said(project) == [str(Path(sys.executable).with_name("python")), "stages/one.py", "a b"]
    tiny.commit(project, "ran")
    (project / "stages" / "one.py").write_text(WHICH + "print(1)\n")
    output = tiny.must(project, dvc, "exp", "run", "--temp", "--name", "again", **bare)
    assert "Running stage 'one'" in output and "ModuleNotFoundError" not in output


def test_launcher_is_plain_shell() -> None:
    """`sh` is dash on Debian and Ubuntu; nothing of bash in it."""
    assert subprocess.run(["sh", "-n", str(REPOSITORY / "stages" / "run")]).returncode == 0


@pytest.mark.parametrize("is_link", [True, False])
def test_git_ignores_an_environment_that_is_a_link_too(tmp_path: Path, is_link: bool) -> None:
    shutil.copy(REPOSITORY / ".gitignore", tmp_path)
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").touch()
    (tmp_path / ".venv").symlink_to("venv") if is_link else shutil.copytree(tmp_path / "venv", tmp_path / ".venv")
    tiny.must(tmp_path, "git", "init", "--quiet")
    assert "?? .venv" not in (said := tiny.must(tmp_path, "git", "status", "--porcelain"))
    assert "?? venv/" in said
