"""Whatever may come from others is opened by one function, `pretrace.common.open_file`; what stands there is a file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.evaluation.read_text import documents_at
from pretrace.settings import Task, load_settings
from pretrace.tasks.raw_files import describe_file
from pretrace.tasks.read_task import read_task_files
from tests.helpers import REPOSITORY
from tests.helpers.odd_files import ODD_FILES

OPENS = {"open", "read_text", "read_bytes", "fromfile", "memmap", "load_file", "ParquetFile", "read_parquet"}
OPENS |= {"read_table", "read_metadata", "safe_open"}
"""Functions and methods that open a file by its name."""
OWN = {
    "common/code.py": "the project's own code",
    "common/hardware.py": "files of the system",
    "common/processes.py": "files of the system",
    "common/provenance.py": "files of the system",
    "training/engine/device.py": "files of the system",
    "training/pretraining/progress_line.py": "files of the system",
    "schemas/formats_page.py": "the project's own code",
    "report/page.py": "the project's own template",
    "report/markdown.py": "README.md, which it writes",
    "inference/serving/page.py": "the project's own page",
    "inference/feedback/votes.py": "appends; what it reads was opened by `open_file`",
    "review/audit.py": "the project's own requirements.txt",
    "tokens/tokenization_pretrace.py": "a copy without the project, which transformers runs",
    "corpus/cleaning/within_spans.py": "temporary files of this run",
    "corpus/cleaning/text_spool.py": "temporary files of this run",
    "corpus/cleaning/batch_cache.py": "its own cache in .pretrace",
    "corpus/cleaning/rejects.py": "writes",
    "corpus/readers/faults.py": "writes",
    "corpus/filters/boilerplate.py": "temporary files of this run",
    "corpus/filters/band_buckets.py": "temporary files of this run",
    "corpus/filters/shingle_sets.py": "temporary files of this run",
    "training/word2vec/vectors.py": "writes",
    "training/features/kept.py": "its own cache in .pretrace, compared with its checksums",
    "model/checkpoints/safetensors_file.py": "after its header was read with `open_file`",
    "corpus/readers/installed_docs.py": "code that is installed",
    "sequences/probes/describe.py": "code that is installed",
    "training/sequences/run.py": "its own cache in .pretrace, compared with its checksums",
    "tokens/shards/encode.py": "its own cache in .pretrace",
    "tokens/shards/write.py": "writes",
    "training/engine/jsonl_log.py": "checkpoints in .pretrace",
    "training/engine/checkpoint.py": "checkpoints in .pretrace, compared with their checksums",
    "tracking": "the record of this run in .pretrace, and what it has just written",
    "tokens/shards/read.py": "compared with the manifest's checksums first",
}
"""Modules, or packages, that may open files otherwise, and why."""
CHECKED = {"check_regular", "readable_part", "open_file"}
"""Calls in the same function that have looked at the file, or that give the stream which is opened."""


def opened_otherwise(path: Path) -> list[str]:
    """Calls in a module that open a file by its name, in functions that have not looked at it."""
    found = []
    functions = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        names = {ast.unparse(call.func).rpartition(".")[2] for call in calls}
        if names & CHECKED:
            continue
        for call in calls:
            owner, _, name = ast.unparse(call.func).rpartition(".")
            ours = name not in ("open", "load_file", "safe_open") and not owner
            given = ast.unparse(call.args[0]) if call.args else ""
            on_a_stream = owner in ("os", "source", "file") or given == "stream" or "BufferReader" in given
            if name in OPENS and not ours and not on_a_stream:
                found.append(f"{path.relative_to(REPOSITORY)}:{call.lineno}: {ast.unparse(call)[:60]}")
    return found


def test_one_function_opens_files_of_others() -> None:
    source = REPOSITORY / "src" / "pretrace"
    found = []
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source).as_posix()
        if name != "common/open_file.py" and name not in OWN and name.split("/")[0] not in OWN:
            found += opened_otherwise(path)
    assert not found


@pytest.mark.parametrize("name", OWN)
def test_exception_is_still_needed(name: str) -> None:
    place = REPOSITORY / "src" / "pretrace" / name
    assert any(opened_otherwise(path) for path in (place.rglob("*.py") if place.is_dir() else [place]))


@pytest.mark.parametrize("kind", ODD_FILES)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_task_s_file_that_is_no_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ODD_FILES[kind].make(Path(f"rows{suffix}"))
    task = Task.model_validate({"kind": "classification", "train": f"rows{suffix}"})
    with pytest.raises(PretraceError, match=rf"rows\{suffix}: {ODD_FILES[kind].said or 'more than'}"):
        read_task_files("mine", task, str)


@pytest.mark.parametrize("kind", ["pipe", "device", "sparse"])
def test_race_s_file_that_is_no_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("race").mkdir()
    ODD_FILES[kind].make(Path("race/1.txt"))
    with pytest.raises(PretraceError, match=rf"race/1\.txt: {ODD_FILES[kind].said or 'more than'}"):
        read_task_files("mine", Task.model_validate({"kind": "multiple_choice", "train": "race"}), str)
    with pytest.raises(PretraceError, match=rf"race/1\.txt: {ODD_FILES[kind].said}"):
        describe_file(Path("race"), "race")


@pytest.mark.parametrize("kind", ODD_FILES)
@pytest.mark.parametrize("name", ["params.yaml", "scales/laptop.yaml", "systems/gpt1.yaml"])
def test_settings_that_are_no_file_are_refused_at_once(tmp_path: Path, kind: str, name: str) -> None:
    for one in ("params.yaml", "scales/laptop.yaml", "systems/gpt1.yaml"):
        (tmp_path / one).parent.mkdir(exist_ok=True)
        (tmp_path / one).write_bytes((REPOSITORY / one).read_bytes())
    (tmp_path / name).unlink()
    ODD_FILES[kind].make(tmp_path / name)
    with pytest.raises(PretraceError, match=rf"{name}: {ODD_FILES[kind].said or 'more than'}"):
        load_settings(tmp_path)


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.txt.gz", "a.parquet", "a"])
@pytest.mark.parametrize("kind", ["pipe", "device", "sparse"])
def test_text_that_is_no_file_is_refused_at_once(tmp_path: Path, kind: str, name: str) -> None:
    ODD_FILES[kind].make(tmp_path / name)
    with pytest.raises(PretraceError, match=rf"{name}: .*not a regular file"):
        list(documents_at(str(tmp_path / name)))
