"""Two clones and a remote: what one pushed, the other pulls, and nothing runs again. S3 is a real server, moto's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import tiny_project as tiny

pytestmark = pytest.mark.slow
FULL, SCRATCH = "finetune@follows-full", "finetune@follows-scratch"


@pytest.fixture
def one(finished: Path, tmp_path: Path) -> Path:
    return tiny.copied(finished, tmp_path / "one")


def test_default_remote_works_at_once(one: Path, tmp_path: Path) -> None:
    """Nothing is there before the first push, and a clone says so; after it, a clone has nothing to do."""
    two = tiny.cloned(one, tmp_path / "two")
    assert not (tmp_path / "pretrace-remote").exists()
    assert tiny.run(two, "dvc", "pull").returncode != 0
    tiny.dvc(one, "push")
    assert (tmp_path / "pretrace-remote").is_dir()
    tiny.dvc(two, "pull")
    assert tiny.ran(tiny.dvc(two, "repro")) == []
    assert tiny.unchanged(two)


def test_s3_remote_is_set_by_one_command(one: Path, s3: dict[str, str], tmp_path: Path) -> None:
    url, keys = s3["url"], {name: value for name, value in s3.items() if name != "url"}
    tiny.dvc(one, "remote", "add", "--default", "team", "s3://team/pretrace")
    tiny.dvc(one, "remote", "modify", "team", "endpointurl", url)
    tiny.commit(one, "Data goes to the bucket")
    tiny.dvc(one, "push", **keys)
    assert not (tmp_path / "pretrace-remote").exists()
    two = tiny.cloned(one, tmp_path / "two")
    tiny.dvc(two, "pull", **keys)
    assert tiny.ran(tiny.dvc(two, "repro", **keys)) == []
    assert tiny.unchanged(two)


@pytest.mark.nightly
def test_clone_fetches_what_changed_stages_need(one: Path, tmp_path: Path) -> None:
    """After a change of the rate, and of one task; neither the text nor its shards are fetched.

    Rows as ids and models are pulled by name: DVC knows of a fine-tuning only the file that names them.
    """
    tiny.dvc(one, "push")
    two = tiny.cloned(one, tmp_path / "two")
    tiny.dvc(two, "pull", "tasks", "encode", "pretrain", "baselines", "finetune", "frozen")
    said = tiny.dvc(two, "exp", "run", "--pull", "--allow-missing", "-S", "lr=1e-4")
    assert tiny.ran(said) == [FULL, SCRATCH, "report"]
    tasks = {"follows": {"kind": "entailment", "probe": "follows", "epochs": 2}}
    tiny.change_params(two, tasks=tasks)
    ran = tiny.ran(tiny.dvc(two, "repro", "--pull", "--allow-missing"))
    # `evaluation` looks at all tasks, and finds the same text in them: `clean` does not run.
    rows = ["tasks@follows", "encode@gpt1", "baselines@follows"]
    assert ran == ["evaluation", *rows, "cells", FULL, SCRATCH, "zeroshot@gpt1", "frozen@follows-gpt1", "report"]
    assert not (two / "data" / "shards").exists()
    assert not (two / "data" / "documents").exists()


@pytest.mark.nightly
def test_experiment_goes_from_clone_to_clone(one: Path, tmp_path: Path) -> None:
    """By a repository that both know, and the remote beside it."""
    hub = tmp_path / "hub.git"
    tiny.must(tmp_path, "git", "clone", "--quiet", "--bare", str(one), str(hub))
    tiny.must(one, "git", "remote", "add", "origin", str(hub))
    tiny.dvc(one, "push")
    tiny.dvc(one, "exp", "run", "-n", "mine", "-S", "lr=6.25e-5")
    scores = json.loads((one / "reports" / "benchmark.json").read_text())
    tiny.dvc(one, "exp", "push", "origin", "mine")
    two = tiny.cloned(hub, tmp_path / "two")
    tiny.dvc(two, "pull")
    tiny.dvc(two, "exp", "pull", "origin", "mine")
    tiny.dvc(two, "exp", "apply", "mine")
    assert tiny.load(two / "params.yaml")["lr"] == 6.25e-5
    assert json.loads((two / "reports" / "benchmark.json").read_text()) == scores
    assert tiny.ran(tiny.dvc(two, "repro")) == []
