"""No name in params.yaml is obeyed by a shell or leads elsewhere, in whatever way DVC runs a part of the pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import tiny_project as tiny
from tests.helpers.hollow_pipeline import PROBE, make_hollow, ran

SHELL = (
    "x;touch pwned;`touch pwned`$(touch pwned)|tee pwned>pwned",
    "';touch pwned;'\";touch pwned;\"",
    "a\ntouch pwned\nb",
)
"""Names that a shell would obey: bare, in quotes, and after a line end, where DVC begins another command."""
PATHS = ("../../../outside", "../../docs", "../../.venv", "../../.git", "x/../../../../outside", "../../rows")
WAYS = (
    ("repro",),
    ("repro", "--force"),
    ("repro", "--ignore-errors"),
    ("repro", "--force", "--keep-going"),
    ("repro", "--downstream", "tasks", "--ignore-errors"),
    ("repro", "--force-downstream", "--ignore-errors"),
    ("repro", "--single-item", "tasks", "baselines", "finetune", "frozen", "--ignore-errors"),
    ("repro", "--single-item", "--force", "--ignore-errors", "tasks", "baselines", "finetune", "frozen"),
    ("repro", "--glob", "--ignore-errors", "fine*"),
    ("repro", "--recursive", ".", "--ignore-errors"),
    ("repro", "--pull", "--ignore-errors"),
    ("repro", "--dry", "--force"),
    ("status",),
    ("checkout", "--force"),
    ("exp", "run"),
    ("exp", "run", "--temp"),
    ("exp", "run", "--force", "--ignore-errors"),
    ("exp", "run", "--single-item", "finetune", "--ignore-errors"),
)
OF_THE_SYSTEM = ("bpe@gpt1", "shard@gpt1", "pretrain@gpt1")
GOOD = {"collect", "evaluation", "clean", "text_models", "cells", "sequences", "report", *OF_THE_SYSTEM} | {
    "tasks@good",
    "encode@gpt1",
    "zeroshot@gpt1",
    "baselines@good",
    "frozen@good-gpt1",
    "finetune@good-full",
}
BEFORE = ("collect", "evaluation", "clean", "text_models", *OF_THE_SYSTEM)
"""The stages before those of tasks and variants."""
QUICK = (WAYS[2], WAYS[7])
QUICK_NAMES = (SHELL[0], PATHS[-1])
KEPT = ("outside/keep", "project/rows/keep", "project/.venv/keep", "project/docs/index.md", "project/.git/HEAD")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hollow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_hollow(tmp_path_factory.mktemp("hollow") / "project")
    assert set(ran(folder)) == GOOD
    return folder


@pytest.fixture(scope="module")
def forged(hollow: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with hostile names, and a dvc.lock that says that the stages before the matrix are up to date."""
    folder = tiny.copied(hollow, tmp_path_factory.mktemp("forged") / "project")
    name_all(folder, *SHELL)
    tiny.dvc(folder, "commit", "--force", *BEFORE)
    return folder


def name_all(project: Path, *names: str) -> None:
    tasks = {"good": PROBE, **dict.fromkeys(names, PROBE)}
    tiny.change_params(project, tasks=tasks, variants={"full": {}, names[0]: {}})


def with_neighbors(project: Path, folder: Path) -> Path:
    """Return a copy of a project, beside and around folders that nobody may touch."""
    copy = tiny.copied(project, folder / "project")
    for name in KEPT:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return copy


def assert_untouched(project: Path, planted: Path | None = None) -> None:
    """`planted` is a file of the test itself."""
    assert set(project.parent.rglob("*pwned*")) <= {planted}
    assert not [name for name in KEPT if not (project.parent / name).exists()]


@pytest.mark.parametrize(
    "way",
    [pytest.param(way, id=" ".join(way), marks=[] if way in QUICK else pytest.mark.nightly) for way in WAYS],
)
@pytest.mark.parametrize("lock", ["honest", "forged"])
def test_no_shell_obeys_a_name(hollow: Path, forged: Path, tmp_path: Path, way: tuple[str, ...], lock: str) -> None:
    project = with_neighbors(forged if lock == "forged" else hollow, tmp_path)
    name_all(project, *SHELL)
    done = tiny.run(project, "dvc", *way)
    assert "Traceback" not in done.stdout + done.stderr
    assert_untouched(project)
    assert set(ran(hollow)) <= {"refused", *GOOD}


@pytest.mark.parametrize("name", PATHS)
def test_no_name_leads_elsewhere(hollow: Path, tmp_path: Path, name: str) -> None:
    project = with_neighbors(hollow, tmp_path)
    name_all(project, name)
    for way in (("repro", "--force", "--ignore-errors", "--single-item", "tasks", "finetune"), ("checkout", "--force")):
        assert "Traceback" not in (done := tiny.run(project, "dvc", *way)).stdout + done.stderr
        assert_untouched(project)
    assert set(ran(hollow)) <= {"refused", "tasks@good", "finetune@good-full"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK_NAMES else pytest.mark.nightly) for name in (*SHELL, *PATHS)]
)
def test_no_name_of_a_system_is_obeyed(hollow: Path, tmp_path: Path, name: str) -> None:
    """With a file of that name, where it can have one."""
    project = with_neighbors(hollow, tmp_path)
    tiny.change_params(project, systems=["gpt1", name], variants={"full": {"system": name}})
    file = project / "systems" / f"{name}.yaml"
    if file.parent.is_dir():
        file.write_bytes((project / "systems/gpt1.yaml").read_bytes())
    stages = ("bpe", "shard", "pretrain", "encode", "zeroshot", "frozen", "text_models", "baselines")
    for way in (("repro", "--force", "--ignore-errors", "--single-item", *stages), ("checkout", "--force")):
        assert "Traceback" not in (done := tiny.run(project, "dvc", *way)).stdout + done.stderr
        assert_untouched(project, file)
    tiny.change_params(project, systems=[name, "gpt1"])
    done = tiny.run(project, "dvc", "repro", "--force", "--ignore-errors", "--single-item", *stages)
    assert "Traceback" not in done.stdout + done.stderr
    assert_untouched(project, file)
    assert set(ran(hollow)) <= {"refused", *GOOD}


@pytest.mark.nightly
def test_queue_obeys_no_name(hollow: Path, forged: Path, tmp_path: Path) -> None:
    project = with_neighbors(forged, tmp_path)
    tiny.dvc(project, "exp", "run", "--queue")
    tiny.dvc(project, "queue", "start")
    assert "Failed" in tiny.wait_for_queue(project)
    assert_untouched(project)
    assert set(ran(hollow)) <= {"refused", *GOOD}
