"""`make gate`: what stops a change, in a clone that has no data."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import main
from pretrace.review import gate_reasons
from tests.helpers import made_up_project as made
from tests.helpers.refusing_git import refuse

pytestmark = pytest.mark.slow


def reasons(revision: str = "HEAD") -> list[str]:
    return gate_reasons(revision)[0]


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_clone_without_data_passes(clone: Path, capsys: Any) -> None:
    assert not (clone / "data").exists()
    assert main(["gate", "HEAD"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("gate: 1 scores compared with HEAD\ngate: open") and not output.err


def test_first_run_passes_with_a_note(clone: Path) -> None:
    note = "scores are not compared: HEAD~1 has no reports/benchmark.json"
    assert gate_reasons("HEAD~1") == ([], [note], "")


def test_revision_that_is_not_here_is_not_open(clone: Path, capsys: Any) -> None:
    """Mistyped, or not fetched."""
    assert main(["gate", "origin/typo"]) == 3
    output = capsys.readouterr()
    why = "no revision origin/typo here; fetch it (git fetch), or set BASE=..."
    assert output.err == f"pretrace: gate: cannot compare scores: {why}\n"
    assert "open" not in output.out
    (clone / "stages/finetune.py").write_text("print('another one')\n")
    assert main(["gate", "origin/typo"]) == 1


@pytest.mark.parametrize("name", ["params.yaml", "scales/s.yaml", "dvc.lock"])
def test_aliases_are_counted_before_dvc_reads_them(clone: Path, monkeypatch: Any, capsys: Any, name: str) -> None:
    """In DVC, 2 kB of them take gigabytes, or have no end."""
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 12))
    (clone / name).parent.mkdir(exist_ok=True)
    (clone / name).write_text(f"l0: &l0 [x]\n{levels}")
    monkeypatch.setattr("pretrace.review.lockfile._dvc_status", None)
    assert main(["gate", "HEAD"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"pretrace: gate: {name}: l") and "too many values" in error and error.count("\n") == 1


def test_git_that_refuses_is_not_open(clone: Path, monkeypatch: Any, capsys: Any) -> None:
    """As in a container of CI, where the checkout belongs to another account."""
    refuse(monkeypatch)
    for command in ("gate", "diff"):
        assert main([command, "HEAD"]) == 1
        output = capsys.readouterr()
        refusal = f"pretrace: {command}: git rev-parse: detected dubious ownership in repository at "
        assert output.err.startswith(refusal) and output.err.count("\n") == 1 and output.out == ""


def test_shallow_clone_says_how_to_fetch(project: Path, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    made.run(tmp_path, "git", "clone", "--quiet", "--depth", "1", project.as_uri(), "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    assert main(["gate", "HEAD~1"]) == 3
    error = capsys.readouterr().err
    assert "no revision HEAD~1 in this shallow clone" in error and "git fetch --unshallow" in error


@pytest.mark.parametrize("text", ["{", '{"rows": 3}'])
def test_base_with_a_table_of_another_form_is_not_open(clone: Path, capsys: Any, text: str) -> None:
    table = clone / "reports/benchmark.json"
    now = table.read_text()
    table.write_text(text)
    made.commit(clone, "broken")
    table.write_text(now)
    made.commit(clone, "mended")
    assert main(["gate", "HEAD~1"]) == 3
    error = capsys.readouterr().err
    assert error.startswith("pretrace: gate: cannot compare scores: the table of HEAD~1: reports/benchmark.json")


def test_base_whose_table_git_lacks_is_not_open(clone: Path, capsys: Any) -> None:
    """As in a partial clone without a connection."""
    blob = made.run(clone, "git", "rev-parse", "HEAD:reports/benchmark.json").strip()
    held = made.run(clone, "git", "cat-file", "--batch-all-objects", "--batch-check")
    made.run(clone, "git", "config", "--local", "gc.auto", "0")
    for pack in (clone / ".git/objects/pack").glob("*.pack"):
        content = pack.read_bytes()
        pack.with_suffix(".idx").unlink()
        pack.unlink()
        subprocess.run(["git", "unpack-objects", "-q"], cwd=clone, input=content, check=True)
    assert blob in held
    (clone / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert main(["gate", "HEAD"]) == 3
    assert "reports/benchmark.json at HEAD: git has no content of it here" in capsys.readouterr().err


def test_edited_code_stops_and_is_named(clone: Path, capsys: Any) -> None:
    (clone / "stages/finetune.py").write_text("print('another one')\n")
    assert main(["gate", "HEAD"]) == 1
    output = capsys.readouterr()
    mend = "run `dvc repro`, and commit dvc.lock and reports"
    assert output.err == f"pretrace: gate: dvc.lock: finetune@rte-full: stages/finetune.py differs; {mend}\n"
    assert "open" not in output.out


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("params.yaml", "lr: 0.001", "lr: 0.002", "finetune@rte-full: lr in params.yaml differs;"),
        ("scales/small.yaml", "steps: 10", "steps: 20", "finetune@rte-full: pretrain in scales/small.yaml differs;"),
        ("dvc.yaml", "stages/report.py\n", "stages/report.py --more\n", "report: its command in dvc.yaml differs"),
        ("reports/benchmark.json", "0.01", "0.02", "report: its result reports/benchmark.json differs;"),
    ],
)
def test_every_other_difference_is_named(clone: Path, file: str, old: str, new: str, message: str) -> None:
    change(clone / file, old, new)
    (reason,) = reasons()
    assert reason.startswith(f"dvc.lock: {message}")


def test_missing_file_of_git_stops_and_missing_data_do_not(clone: Path) -> None:
    (clone / "src/words.txt").unlink()
    (clone / "reports/finetune/rte-full.json").unlink()
    text = " ".join(reasons())
    assert "tasks@rte: src/words.txt differs" in text and "reports/finetune/rte-full.json differs" in text
    assert "data/" not in text


def test_task_without_a_run_stops(clone: Path) -> None:
    change(clone / "params.yaml", "tasks:\n", "tasks:\n  cola:\n    kind: classification\n")
    assert [reason.split(": ")[1] for reason in reasons()] == ["tasks@cola", "finetune@cola-full"]


def test_lock_merged_from_two_runs_stops(clone: Path) -> None:
    """Nothing of the data is here, so only the lock itself can tell."""
    lock = (clone / "dvc.lock").read_text()
    digest = lock.partition("- path: data/tasks/rte\n")[2].partition("md5: ")[2].partition(".dir")[0].split("md5: ")[-1]
    first = lock.index(digest)
    (clone / "dvc.lock").write_text(lock[:first] + "0" * 32 + lock[first + 32 :])
    assert any(
        "finetune@rte-full: it was run on another data/tasks/rte than tasks@rte has made" in r for r in reasons()
    )


def test_removed_stages_in_the_lock_are_ignored(clone: Path) -> None:
    """DVC leaves them in the lock: here the stage `tasks`, before it had a cell for each task."""
    stale = "  tasks:\n    cmd: gone\n    outs:\n    - path: data/tasks/rte\n      hash: md5\n      md5: 0.dir\n"
    change(clone / "dvc.lock", "stages:\n", f"stages:\n{stale}")
    assert reasons() == []


def test_missing_lock_dvc_yaml_or_benchmark_stops(clone: Path) -> None:
    (clone / "reports/benchmark.json").unlink()
    assert any(reason.startswith("reports/benchmark.json: no such file") for reason in reasons())
    (clone / "dvc.yaml").write_text("stages: 3\n")
    assert reasons()[0].startswith("dvc status: ")
    (clone / "dvc.lock").unlink()
    assert reasons()[0].startswith("dvc.lock: no such file; run `dvc repro`")


@pytest.mark.parametrize("text", ["<<<<<<< ours\nschema: '2.0'\n", "stages: {report: 3}\n", ""])
def test_broken_lock_is_one_line(clone: Path, capsys: Any, text: str) -> None:
    (clone / "dvc.lock").write_text(text)
    assert main(["gate", "HEAD"]) == 1
    assert all(line.startswith("pretrace: gate: dvc") for line in capsys.readouterr().err.splitlines())
    assert main(["trace", "rte/full"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("pretrace: trace: ") and "dvc.lock" in error and error.count("\n") == 1


DEEP = "[" * 5000 + "]" * 5000
BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in pairwise("abcdefghijk"))
NO_SETTINGS = (f"tasks: {DEEP}", BOMB, "tasks: 2020-99-99", "lr: " + "9" * 5000)


@pytest.mark.parametrize("text", NO_SETTINGS, ids=lambda text: text[:9])
def test_parameters_that_are_no_plain_values_are_one_line(clone: Path, capsys: Any, text: str) -> None:
    """Of a commit that nobody has checked: nested too deeply, growing without end, no number and no date."""
    before = (clone / "params.yaml").read_text()
    (clone / "params.yaml").write_text(text)
    made.commit(clone, "hostile")
    assert main(["gate", "HEAD"]) == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error and "params.yaml: " in error
    (clone / "params.yaml").write_text(before)
    assert main(["diff", "HEAD"]) == 0
    assert "Not compared: params.yaml at HEAD: " in capsys.readouterr().out


def test_table_that_is_nested_too_deeply_is_one_line(clone: Path, capsys: Any) -> None:
    (clone / "reports/benchmark.json").write_text(DEEP)
    for command in ("gate", "diff"):
        assert main([command, "HEAD"]) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"pretrace: {command}: reports/benchmark.json: not a whole JSON file")
        assert error.count("\n") == 1


def test_fallen_score_stops_and_removed_one_does_not(clone: Path) -> None:
    table = clone / "reports/benchmark.json"
    rows = [made.row("rte", "full"), made.row("cola", "full"), made.row("mrpc", "full"), made.row("stsb", "full")]
    made.write(table, made.benchmark(*rows, made.row("qqp", "full")))
    made.commit(clone, "before")
    made.write(
        table,
        made.benchmark(
            made.row("rte", "full", scores=[0.50, 0.52, 0.51]),
            made.row("cola", "full", scores=[0.70, 0.71, 0.70]),
            made.row("mrpc", "full", scores=[], score=None, stderr=None, unavailable="no\nrows"),
            made.row("stsb", "full", metric="pearson"),
        ),
    )
    change(clone / "dvc.lock", "lr: 0.001", "lr: 0.002")
    stopping, notes, _ = gate_reasons("HEAD")
    stop = [reason for reason in stopping if not reason.startswith("dvc.lock: ")]  # table and lock were made by hand
    assert len(stop) == 3
    assert stop[2].startswith("mean over 2 tasks/full: 10.3 points lower than at HEAD, the noise is ± ")
    assert stop[0] == "mrpc/full: has no score any more, HEAD has one (no rows)"
    assert stop[1].startswith("rte/full: 20.0 points lower than at HEAD, the noise is ± ")
    assert notes == [
        "stsb/full: another metric, not compared",
        "qqp/full: removed, not compared",
        "2 scores compared with HEAD",
    ]


def test_fall_of_which_nothing_has_changed_is_said_and_does_not_stop(clone: Path) -> None:
    table, cost = clone / "reports/benchmark.json", {"seconds": 1.0, "peak_memory_bytes": 1}
    made.write(table, made.benchmark(made.row("rte", "full")))
    made.write(clone / "reports/cost.json", {"finetune@rte-full": {**cost, "machine": "A", "precision": "float32"}})
    made.commit(clone, "before")
    made.write(table, made.benchmark(made.row("rte", "full", scores=[0.50, 0.52, 0.51])))
    made.write(clone / "reports/cost.json", {"finetune@rte-full": {**cost, "machine": "B", "precision": "bfloat16"}})
    stopping, notes, _ = gate_reasons("HEAD")
    assert all(reason.startswith("dvc.lock: report: ") for reason in stopping)  # the table was made by hand
    assert notes[0].startswith("rte/full: 20.0 points lower than at HEAD, the noise is ± ")
    ran = "finetune@rte-full ran on B, bfloat16 here, on A, float32 there"
    assert notes[0].endswith(f"nothing that it was made from has changed: {ran}")
