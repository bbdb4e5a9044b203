"""Weights, vocabularies and rows that somebody made to do harm: refused by name, nothing run, memory bounded."""

from __future__ import annotations

import ast
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.settings import Task
from pretrace.tasks.read_task import read_task_files
from tests.helpers import HELPERS, REPOSITORY
from tests.helpers.hostile_files import DEEP, Bomb, make_vocabularies, make_weights

ALLOWED_GROWTH = 150 << 20
"""Bytes; the smallest of the bombs asks for gigabytes."""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The output of a process that read all of the hostile models and vocabularies."""
    folder = tmp_path_factory.mktemp("hostile")
    make_weights(folder / "weights")
    make_vocabularies(folder / "vocabularies")
    command = [sys.executable, str(HELPERS / "hostile_files.py"), str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (folder / "unpickled").exists()
    return json.loads(done.stdout)


@pytest.mark.slow
def test_hostile_models_and_vocabularies_are_refused_by_name(read: dict[str, Any]) -> None:
    assert len(read["said"]) > 40
    for name, said in read["said"].items():
        assert said != "LOADED", name
        assert f"/{name}" in said
        assert said.isprintable()


@pytest.mark.slow
def test_hostile_files_take_no_memory(read: dict[str, Any]) -> None:
    assert read["grown"] < ALLOWED_GROWTH


def test_code_opens_no_pickle() -> None:
    modules = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    calls = {"torch.load", "np.load", "numpy.load", "pd.read_pickle", "eval", "exec"}
    uses = []
    for path in [*(REPOSITORY / "src").rglob("*.py"), *(REPOSITORY / "stages").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            bad = any(name.split(".")[0] in modules for name in names)
            if bad or (isinstance(node, ast.Call) and ast.unparse(node.func) in calls):
                uses.append(f"{path.relative_to(REPOSITORY)}:{node.lineno}: {ast.unparse(node)}")
    assert not uses


TASK = {"kind": "classification", "train": "rows.parquet"}


def rows_from(path: Path, content: bytes) -> str:
    """Return the error for a task whose rows are in this file."""
    path.write_bytes(content)
    with pytest.raises(PretraceError) as caught:
        read_task_files("mine", Task.model_validate({**TASK, "train": path.name}), str)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.slow
def test_parquet_bomb_of_a_task_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million rows share one long text, which stands in the file once: 300 GB out of 2 kB."""
    monkeypatch.chdir(tmp_path)
    text = pa.array(["x" * 300_000])
    table = pa.table({"text": pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), text)})
    stream = pa.BufferOutputStream()
    pq.write_table(table, stream, compression="zstd", store_schema=False)
    content = stream.getvalue().to_pybytes()
    assert len(content) < 20_000
    assert "rows.parquet: grows to more than 200 times its size" in rows_from(Path("rows.parquet"), content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.parquet", b"PAR1" + bytes(8) + b"PAR1"),
        ("rows.parquet", b"PAR1" + b"\xff" * 200 + b"\xff\xff\xff\x7fPAR1"),
        ("rows.parquet", pickle.dumps(Bomb())),
        ("rows.jsonl", b'{"text": ' + DEEP + b"\n"),
        ("rows.jsonl", b'{"text": "a", "label": ' + b"9" * 5000 + b"}\n"),
        ("rows.csv", pickle.dumps(Bomb())),
        ("rows.tsv", b"\x00\x1b[31m\n" * 50),
        ("rows.csv", b'text,label\n"' + b"a" * 100_000),
    ],
)
def test_malformed_task_rows_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    assert rows_from(Path(name), content).startswith(name)
    assert not Path("unpickled").exists()


def test_deeply_nested_race_passage_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("race").mkdir()
    Path("race/1.txt").write_bytes(DEEP)
    task = Task.model_validate({"kind": "multiple_choice", "train": "race"})
    with pytest.raises(PretraceError, match=r"race/1\.txt: takes a JSON object"):
        read_task_files("mine", task, str)


def test_deeply_nested_json_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(DEEP)
    with pytest.raises(PretraceError, match=r"a\.json: not a whole JSON file"):
        read_json(tmp_path / "a.json")


def test_malformed_predictions_are_one_line(tmp_path: Path) -> None:
    from pretrace.report.predictions import read_parquet

    for content in (pickle.dumps(Bomb()), b"PAR1" + b"\xff" * 200 + b"PAR1", b""):
        (tmp_path / "a.parquet").write_bytes(content)
        with pytest.raises(PretraceError, match=r"a\.parquet: not readable"):
            read_parquet(tmp_path / "a.parquet", "tasks@mine")


@pytest.mark.slow
def test_well_compressed_table_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame({"text": ["the same text in every row"] * 50_000, "label": ["a", "b"] * 25_000})
    rows.to_parquet("rows.parquet", compression="zstd")
    data = read_task_files("mine", Task.model_validate(TASK), str)
    assert sum(len(split) for split in data.splits.values()) == 50_000
