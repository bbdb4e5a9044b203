"""`pretrace inspect`: one line for each thing in a checkout that DVC or make would obey, and none of it obeyed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import main
from pretrace.common.errors import PretraceError
from pretrace.preflight.inspection import inspect_checkout
from tests.helpers import tiny_project as tiny

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny.make_project(tmp_path_factory.mktemp("theirs") / "project")
    tiny.commit(folder, "trusted")
    tiny.must(folder, "git", "checkout", "--quiet", "-b", "theirs")
    return folder


@pytest.fixture
def theirs(repository: Path) -> Iterator[Path]:
    """A branch, to be changed."""
    yield repository
    tiny.must(repository, "git", "reset", "--quiet", "--hard", "main")
    tiny.must(repository, "git", "clean", "--quiet", "-dffx")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def add(folder: Path, name: str, content: str = "x") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)
    tiny.must(folder, "git", "add", "--force", name)


def reasons(folder: Path) -> list[str]:
    return inspect_checkout(folder, "main")[0]


def test_unchanged_checkout_is_fine(theirs: Path, capsys: Any) -> None:
    assert main(["inspect", str(theirs), "--base", "main"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("inspect: nothing against it") and output.err == ""


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tasks": {"x;touch pwned": {"kind": "classification", "probe": "source"}}}, "tasks.x;touch pwned: a name"),
        ({"tasks": {"../../x": {"kind": "classification", "probe": "source"}}}, "tasks.../../x: a name takes"),
        ({"lr": "${oc.env:HOME}"}, "params.yaml: lr: contains `${`"),
        ({"scale": "../../x"}, "params.yaml: scale: got '../../x'"),
        ({"systems": ["gpt1", "../../x"]}, "params.yaml: systems: got '../../x'"),
        ({"ready": {"source": "files", "folder": "https://u:p@host/"}}, "a URL with a password"),
    ],
)
def test_settings_are_refused_by_file_and_key(theirs: Path, values: dict[str, Any], said: str) -> None:
    tiny.change_params(theirs, **values)
    (line,) = reasons(theirs)
    assert "params.yaml: " in line and said in line


def test_every_scale_is_looked_at(theirs: Path) -> None:
    edit(theirs / "scales/gpt1.yaml", "layers: 12", "layers: ${oc.env:HOME}")
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 12))
    (theirs / "scales/bomb.yaml").write_text(f"l0: &l0 [x]\n{levels}")
    bomb, gpt1 = reasons(theirs)
    assert "scales/bomb.yaml: l" in bomb and "too many values" in bomb
    assert "scales/gpt1.yaml: model.layers: contains `${`" in gpt1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cmd: sh stages/run tasks", "cmd: sh stages/run tasks ${item.task}", "dvc.yaml: stages.tasks.cmd: takes one"),
        ("- data/documents\n", "- ../x\n", "dvc.yaml: stages.collect.outs: ../x: leads out of the checkout"),
        ("- data/documents\n", "- /etc/x\n", "stages.collect.outs: /etc/x: leads out"),
        ("- data/documents\n", "- docs\n", "stages.collect.outs: docs: an output is in data, models, reports"),
        ("- requirements.txt\n", "- s3://x/y\n", "stages.collect.deps: s3://x/y: leads out"),
        ("- requirements.txt\n", "- ${corpus.path}\n", "inserts corpus.path, which no check bounds"),
        (
            "    - data/tasks/${item.task}:\n        persist: true\n",
            "    - data/tasks/${item.task}\n",
            "needs `persist",
        ),
        (
            "    - data/shards/${item.system}:\n        persist: true\n",
            "    - data/shards/${item.system}\n",
            "stages.shard.outs: data/shards/${item.system}: needs `persist",
        ),
        ("- data/shards/${systems[0]}\n", "- data/shards/${systems[1]}\n", "inserts systems[1], which no check bounds"),
        ("stages:\n  collect:", "vars: [x.yaml]\nstages:\n  collect:", "dvc.yaml: vars: not used"),
        ("    cmd: sh stages/run collect\n", "    cmd: sh stages/run collect\n    wdir: /\n", "collect.wdir: not used"),
    ],
)
def test_pipeline_of_another_form_is_refused(theirs: Path, old: str, new: str, said: str) -> None:
    edit(theirs / "dvc.yaml", old, new)
    lines = [line for line in reasons(theirs) if said in line]
    assert len(lines) == 1 and lines[0].startswith("dvc.yaml: ")


def test_changed_command_and_code_are_notes(theirs: Path) -> None:
    edit(theirs / "dvc.yaml", "cmd: sh stages/run collect", "cmd: touch pwned")
    edit(theirs / "stages/collect.py", "import sys", "import sys, os")
    add(theirs, "src/sitecustomize.py")
    add(theirs, "docs/new.txt")
    refused, notes = inspect_checkout(theirs, "main")
    assert refused == []
    assert [note.partition(";")[0] for note in notes] == [
        "dvc.yaml: differs from main",
        "src/sitecustomize.py: is not at main",
        "stages/collect.py: differs from main",
        "dvc.yaml: stages.collect.cmd: 'touch pwned', at main 'sh stages/run collect'",
    ]


def test_change_is_found_that_git_was_told_to_overlook(theirs: Path) -> None:
    tiny.must(theirs, "git", "update-index", "--assume-unchanged", "Makefile")
    edit(theirs / "Makefile", "help:", "helped:")
    assert inspect_checkout(theirs, "main")[1][0].startswith("Makefile: differs from main")


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        (
            {"collect": {"cmd": "x", "outs": [{"path": "../../x", "md5": "0"}]}},
            "stages.collect.outs: ../../x: leads out",
        ),
        ({"tasks@x;y": {"cmd": "x"}}, "dvc.lock: stages.tasks@x;y: no stage"),
        ({"collect": {"cmd": "x", "deps": [{"path": "/etc/passwd"}]}}, "stages.collect.deps: /etc/passwd: leads out"),
    ],
)
def test_forged_lock_is_refused(theirs: Path, lock: dict[str, Any], said: str) -> None:
    tiny.save(theirs / "dvc.lock", {"schema": "2.0", "stages": lock})
    (line,) = reasons(theirs)
    assert said in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[core]\n    site_cache_dir = /tmp/x\n", ".dvc/config: core.site_cache_dir: may run"),
        ("[hydra]\n    enabled = true\n    plugins_path = src\n", ".dvc/config: hydra.plugins_path: may run"),
        ("[exp]\n    auto_push = true\n", ".dvc/config: exp.auto_push: may run"),
        ("['remote \"beside\"']\n    url = https://u:p@host\n", "url: a URL with a password"),
        ("[core\n", "cannot be read"),
    ],
)
def test_configuration_of_dvc_is_refused_by_its_key(theirs: Path, text: str, said: str) -> None:
    (theirs / ".dvc/config").write_text(text)
    assert [line for line in reasons(theirs) if said in line]


@pytest.mark.parametrize(
    "name",
    [
        ".dvc/tmp/repro.dat",
        ".dvc/config.local",
        ".pretrace/x",
        ".venv/bin/python",
        "data/x",
        "models/x.pkl",
        "rows/dvc.yaml",
        "rows/x.dvc",
        "src/.dvc/config",
        "docs/dvc.lock",
    ],
)
def test_planted_file_is_refused(theirs: Path, name: str) -> None:
    add(theirs, name)
    (line,) = reasons(theirs)
    assert line.startswith(f"{name}: ")


@pytest.mark.parametrize("line", ["!/assistant", "!/assistant/dvc.yaml", "!*"])
def test_own_second_pipeline_is_refused_where_dvc_sees_it(theirs: Path, line: str) -> None:
    assert not reasons(theirs)
    with (theirs / ".dvcignore").open("a") as stream:
        stream.write(f"{line}\n")
    assert [found.partition(":")[0] for found in reasons(theirs)] == ["assistant/dvc.yaml"]


def test_links_and_names_and_sizes_are_refused(theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (theirs / "rows/away").symlink_to("../../..")
    (theirs / "rows/near").symlink_to("README.md")
    add(theirs, "rows/\x1b[2J")
    add(theirs, "rows/large")
    tiny.must(theirs, "git", "add", "--all")
    monkeypatch.setattr("pretrace.preflight.inspection.LARGEST_BYTES", 1 << 20)
    (theirs / "rows/large").write_bytes(bytes(2 << 20))
    found = sorted(line for line in reasons(theirs) if line.startswith("rows/"))
    assert [line.partition(":")[0] for line in found] == ["rows/\\x1b[2J", "rows/away", "rows/large"]


def test_nothing_of_the_checkout_runs(theirs: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Git is asked for lists, and no other process started; findings are lines of standard error."""
    started: list[str] = []
    run = subprocess.run

    def noted(command: list[str], **options: Any) -> Any:
        started.append(" ".join(command[:2]))
        return run(command, **options)

    add(theirs, "data/x")
    monkeypatch.setattr(subprocess, "run", noted)
    assert main(["inspect", str(theirs), "--base", "main"]) == 1
    assert set(started) == {"git ls-files", "git rev-parse", "git ls-tree", "git cat-file"}
    error = capsys.readouterr().err
    assert error.startswith("pretrace: inspect: data/x: is in git, where DVC") and error.count("\n") == 1


def test_commit_that_is_not_here_is_a_note(theirs: Path) -> None:
    assert inspect_checkout(theirs, "origin/typo")[1] == [
        "the code is not compared: no commit origin/typo here; fetch it (git fetch), or set BASE=..."
    ]


def test_folder_of_something_else_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"has no dvc\.yaml; give the folder of a checkout"):
        inspect_checkout(tmp_path, "main")
    (tmp_path / "dvc.yaml").touch()
    with pytest.raises(PretraceError, match="not in a git repository"):
        inspect_checkout(tmp_path, "main")
