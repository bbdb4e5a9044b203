"""Rows that were edited after the table was made: `gate`, `trace` and `trace --verify` say so."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.review import gate_reasons, trace_score, verify_score
from tests.helpers import made_up_project as made

pytestmark = pytest.mark.slow

TABLE = Path("reports/benchmark.json")
READS_ROWS = """import json, hashlib, pathlib, shutil
rows = pathlib.Path('{path}')
folder = pathlib.Path('data/tasks/rte')
folder.mkdir(parents=True)
shutil.copy(rows, folder / 'rows.txt')
file = {{'path': '{path}', 'sha256': hashlib.sha256(rows.read_bytes()).hexdigest(), 'bytes': 1, 'revision': None}}
pathlib.Path('reports/tasks').mkdir(parents=True, exist_ok=True)
pathlib.Path('reports/tasks/rte.json').write_text(json.dumps({{'kind': 'entailment', 'metric': 'accuracy',
    'unavailable': None, 'labels': ['no', 'yes'], 'raw_files': {{'train': file}}}}))
"""


def with_rows(project: Path, path: str) -> Path:
    """Let the stage `tasks` read the file `path`."""
    rows = project / path
    made.write(rows, "text,label\na,0\n")
    made.write(project / "stages/tasks.py", READS_ROWS.format(path=path))
    dvc = (project / "dvc.yaml").read_text()
    out = 'outs: ["data/tasks/${item.task}", {"reports/tasks/${item.task}.json": {cache: false}}]'
    made.write(project / "dvc.yaml", dvc.replace('outs: ["data/tasks/${item.task}"]', out))
    made.repro(project)
    return rows


def tasks_reasons() -> list[str]:
    return [reason for reason in gate_reasons("HEAD")[0] if reason.startswith("task ")]


def test_one_changed_label_stops_the_gate_and_is_in_the_trace(project: Path) -> None:
    rows = with_rows(project, "data/mine.csv")
    assert tasks_reasons() == []
    raw = [text for _, text in trace_score(TABLE, "rte/full") if "mine.csv" in text]
    (line,) = raw
    assert line.startswith("train of rte: data/mine.csv  sha256 ") and "not here" not in line
    rows.write_text("text,label\na,1\n")
    (reason,) = tasks_reasons()
    assert reason.startswith("task rte: rows changed since the table was made: data/mine.csv; run `dvc repro -f -s ")
    assert any(text == reason for _, text in trace_score(TABLE, "rte/full"))
    with pytest.raises(PretraceError, match=r"^not verified: task rte: rows changed since"):
        verify_score(TABLE, "rte/full")
    made.repro(project, "-f", "-s", "tasks@rte")
    assert tasks_reasons() == []


def test_rows_that_are_not_here_are_a_note(project: Path) -> None:
    with_rows(project, "data/mine.csv").unlink()
    _, notes, _ = gate_reasons("HEAD")
    assert "task rte: data/mine.csv: not here, not compared" in notes
    assert any(text.endswith(", not here") for _, text in trace_score(TABLE, "rte/full"))
    same, lines = verify_score(TABLE, "rte/full")
    assert same and ("rows", "not read again: data/mine.csv: not here") in lines


@pytest.mark.parametrize("place", ["data/mine.csv", "rows/mine.csv", "{outside}/mine.csv"])
def test_verify_reads_rows_wherever_they_are(project: Path, tmp_path: Path, place: str) -> None:
    """In a folder that git ignores, in the one that it does not, and outside of the repository."""
    rows = with_rows(project, place.format(outside=tmp_path / "outside"))
    before = rows.read_bytes(), rows.stat().st_mtime_ns
    same, lines = verify_score(TABLE, "rte/full")
    assert same, lines
    text = dict(lines)["rows"]
    assert text.startswith(f"read again from {place.format(outside=tmp_path / 'outside')}: ")
    assert text.endswith(".dir in dvc.lock, and the same again")
    assert (rows.read_bytes(), rows.stat().st_mtime_ns) == before and not rows.is_symlink()


def test_verify_refuses_a_path_that_leads_out_of_the_copy(project: Path) -> None:
    with_rows(project, "../../mine.csv")
    with pytest.raises(PretraceError, match=r"not verified: \.\./\.\./mine\.csv leads out of the repository; make it"):
        verify_score(TABLE, "rte/full")


def test_make_repro_has_only_the_changed_rows_read_again(project: Path) -> None:
    """The command before `dvc repro`: nothing where nothing has changed, else the stage of the task runs."""
    rows = with_rows(project, "data/mine.csv")
    for name in ("scales/laptop.yaml", "systems/gpt1.yaml"):
        made.write(project / name, (Path(__file__).parents[2] / name).read_text())
    params = '{"scale": "laptop", "systems": ["gpt1"], "seeds": [1], "variants": {"full": {}}, '
    params += '"corpus": {"packages": ["networkx"]}, '
    params += '"tasks": {"rte": {"kind": "entailment", "train": "data/mine.csv"}}}'
    made.write(project / "params.yaml", params)
    made.write(project / "dvc.yaml", (project / "dvc.yaml").read_text().replace('[lr, {"scales', '[{"scales'))
    made.repro(project, "tasks@rte")
    command = (sys.executable, "-m", "pretrace.preflight.changed_rows")
    assert made.run(project, *command) == ""
    state = rows.stat()
    rows.write_text("text,label\na,1\n")
    os.utime(rows, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert "Running stage" not in made.repro(project, "tasks@rte")  # DVC does not see it
    assert made.run(project, *command) == "task rte: data/mine.csv changed: its rows are read again\n"
    assert "Running stage 'tasks@rte'" in made.repro(project, "tasks@rte")
    assert (project / "data/tasks/rte/rows.txt").read_text() == "text,label\na,1\n"
    assert made.run(project, *command) == ""
