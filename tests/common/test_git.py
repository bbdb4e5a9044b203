"""Git's three answers: what it prints, no, and a refusal, which is not taken for "nothing there"."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pretrace.common import git as module
from pretrace.common.git import GitError, git
from pretrace.common.provenance import git_revision, provenance
from tests.helpers import made_up_project as made
from tests.helpers.refusing_git import refuse

HEAD = ("rev-parse", "--verify", "--quiet", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit, in which the test stands."""
    made.run(tmp_path, "git", "init", "--quiet", "here")
    monkeypatch.chdir(tmp_path / "here")
    made.write(Path("params.yaml"), "scale: small\n")
    made.commit(Path(), "files")
    return tmp_path / "here"


def recorded() -> dict[str, Any]:
    return {key: value for key, value in provenance().items() if key in ("commit", "changed")}


def test_answers_are_what_git_prints_or_none(repository: Path, tmp_path: Path) -> None:
    commit = made.run(repository, "git", "rev-parse", "HEAD").encode()
    assert git(repository, *HEAD) == commit
    assert git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", "typo^{commit}") is None
    assert git(tmp_path, *HEAD) is None and git(tmp_path, "status") is None
    assert recorded() == {"commit": git_revision(), "changed": False}
    Path("params.yaml").write_text("scale: large\n")
    assert recorded()["changed"] is True


def test_no_repository_and_no_commit_are_none(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert recorded() == {"commit": "none"}
    made.run(tmp_path, "git", "init", "--quiet")
    assert recorded() == {"commit": "none"} and git_revision() == "none"
    assert capsys.readouterr().err == ""


def test_folder_of_another_account_is_a_refusal_with_what_git_said(
    repository: Path, monkeypatch: Any, capsys: Any
) -> None:
    refuse(monkeypatch)
    for arguments in (HEAD, ("status",), ("ls-files",), ("check-ignore", "--quiet", "a")):
        with pytest.raises(GitError, match=f"git {arguments[0]}: detected dubious ownership in repository at"):
            git(repository, *arguments)
    assert git_revision() == "unknown" and recorded() == {"commit": "unknown"}
    error = capsys.readouterr().err
    assert "git config --global --add safe.directory" in error and error.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a folder away")
def test_folder_given_to_another_account_is_a_refusal(repository: Path, monkeypatch: Any) -> None:
    refuse(monkeypatch)
    monkeypatch.delenv("GIT_TEST_ASSUME_DIFFERENT_OWNER")
    for path in (repository, *repository.rglob("*")):
        os.chown(path, 12345, 12345)
    with pytest.raises(GitError, match="detected dubious ownership"):
        git(repository, *HEAD)
    assert recorded() == {"commit": "unknown"}


def test_damaged_repository_is_a_refusal(repository: Path) -> None:
    (repository / ".git/HEAD").unlink()
    with pytest.raises(GitError, match="not a git repository"):
        git(repository, *HEAD)
    (repository / "below").mkdir()
    with pytest.raises(GitError, match="not a git repository"):
        git(repository / "below", *HEAD)


def test_missing_and_silent_git_is_a_refusal(repository: Path, monkeypatch: Any) -> None:
    def silent(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("git", 1)

    monkeypatch.setattr(module.subprocess, "run", silent)
    with pytest.raises(GitError, match="git status: no answer in 60 s"):
        git(repository, "status")
    monkeypatch.undo()
    monkeypatch.chdir(repository)
    monkeypatch.setenv("PATH", str(repository))
    with pytest.raises(GitError, match="git: not found"):
        git(repository, "status")
    assert git_revision() == "unknown"
    Path("git").write_text("")
    with pytest.raises(GitError, match=r"git: (not found|cannot be run \(Permission denied\))"):
        git(repository, "status")


def test_variables_of_a_hook_do_not_name_another_repository(repository: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert git(repository, *HEAD)
