"""The files that a task's rows are read from: their hashes, and whether they have changed since.

DVC watches the folder `rows/` only (dvc.yaml); a file elsewhere is known to have changed by the SHA-256 in
`reports/tasks/<task>.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_file
from pretrace.schemas.record import read_record
from pretrace.schemas.tasks import RawFile, TaskReport
from pretrace.settings import Task
from pretrace.settings.ready import SPLITS

FORMATS = (".parquet", ".csv", ".tsv", ".txt", ".jsonl")
LABELS = "-labels.lst"
"""Ending of PIQA's files of labels, a label a line: train-labels.lst beside train.jsonl."""


def raw_files(task: Task) -> dict[str, RawFile]:
    """Return what each split of a task is read from, by split; nothing for a probe.

    Raises:
        PretraceError: a file cannot be read. One that is missing is left out: reading its rows says so.
    """
    splits = [split for split in SPLITS if task.train and getattr(task, split)]
    if task.dataset:
        revision = task.dataset.revision
        return {
            split: RawFile(path=source_of(task, split), sha256=None, bytes=None, revision=revision) for split in splits
        }
    files = {split: str(getattr(task, split)) for split in splits}
    if task.format == "piqa":  # the one form whose labels are in files of their own
        files |= {f"{split} labels": labels_file(place) for split, place in files.items()}
    described = {name: describe_file(Path(place), place) for name, place in files.items()}
    return {split: file for split, file in described.items() if file}


def source_of(task: Task, split: str) -> str:
    """Return the source of a split's rows, for people: a file, or a data set with its split."""
    place = str(getattr(task, split) or task.train)
    if not task.dataset:
        return place
    return "/".join(filter(None, (task.dataset.name, task.dataset.config, place)))


def labels_file(place: str) -> str:
    """Return the path of the labels that are beside a file of PIQA."""
    return str(Path(place).with_name(Path(place).stem + LABELS))


def is_folder(path: Path) -> bool:
    """Return True for a folder whose files hold rows, as RACE's do; one named as a file is taken for a file."""
    return path.is_dir() and path.suffix not in FORMATS


def race_files(folder: Path) -> list[Path]:
    """Return the .txt files below a folder, by name; hidden ones, such as a Mac's `._1.txt`, belong to some tool."""
    files = (path for path in folder.glob("**/*.txt") if not path.is_dir())
    return sorted(path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def describe_file(path: Path, name: str) -> RawFile | None:
    """Return hash and size of a file, or of the .txt files of a folder as RACE's; None if there is neither.

    The hash of a folder is that of its files' names and hashes, sorted by name. `name` is the path as a record has it.

    Raises:
        PretraceError: a file cannot be read.
    """
    try:
        if is_folder(path):
            files = race_files(path)
            lines = [f"{sha256_of_file(file)}  {file.relative_to(path).as_posix()}\n" for file in files]
            digest = hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
            size = sum(file.stat().st_size for file in files)
        elif path.is_file():
            digest, size = sha256_of_file(path), path.stat().st_size
        else:
            return None
    except OSError as error:
        raise PretraceError(f"{name}: cannot be read ({error.strerror})") from None
    return RawFile(path=name, sha256=digest, bytes=size, revision=None)


def read_task_reports(names: Iterable[str], root: Path = Path()) -> dict[str, TaskReport]:
    """Return the reports of those tasks whose stage has run, by name; one of another version is left out."""
    reports = {}
    for name in names:
        try:
            reports[name] = read_record(root / "reports" / "tasks" / f"{name}.json", TaskReport)
        except PretraceError:
            continue  # its stage writes it again
    return reports


def changed_files(report: TaskReport, root: Path = Path()) -> list[str]:
    """Return the files whose content is no longer what the task's rows were read from.

    A file that is not here is not among them: a clone has the results without the rows. Paths are from `root`, the
    repository.

    Raises:
        PretraceError: a file cannot be read.
    """
    changed = []
    for file in report.raw_files.values():
        now = describe_file(root / file.path, file.path) if file.sha256 else None
        if now and now.sha256 != file.sha256 and file.path not in changed:
            changed.append(file.path)
    return changed


def absent_files(report: TaskReport, root: Path = Path()) -> list[str]:
    """Return the files that the task's rows were read from and that are not here."""
    paths = (file.path for file in report.raw_files.values() if file.sha256)
    return sorted({path for path in paths if not (root / path).exists()})


def rows_changed(name: str, files: list[str]) -> str:
    """Return the sentence on a task whose `files` have changed, with what to do."""
    return (
        f"task {name}: rows changed since the table was made: {', '.join(files)}; "
        f"run `dvc repro -f -s tasks@{name}`, then `dvc repro` (`make repro` does both)"
    )
