"""The provenance of a score, as headings with text."""

from __future__ import annotations

import hashlib
import re
from itertools import zip_longest
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.git import GitError
from pretrace.common.open_file import TEXT_BYTES, read_bytes
from pretrace.common.units import readable_number, readable_time
from pretrace.report.provenance import SHORT
from pretrace.review.cell import Cell, find_cell
from pretrace.review.git_tree import Tree, tree_at
from pretrace.review.lockfile import disagreements, hashes, makers
from pretrace.review.parameters import flat, pins, shown
from pretrace.schemas.benchmark import BenchmarkRow
from pretrace.schemas.cost import CostEntry
from pretrace.schemas.record import parse_record
from pretrace.tasks.raw_files import absent_files, changed_files, read_task_reports, rows_changed

LIBRARIES = ("torch", "numpy", "sentencepiece", "safetensors", "scikit-learn", "scipy", "pandas", "pyarrow", "dvc")
"""Pinned libraries that decide results."""
HASH = re.compile(r"[0-9a-f]{40,64}")
"""A commit; a report may have "none" or "unknown" instead, and such a name may be that of a branch."""
WEIGHTS = ("pretrain.init_from", "pretrain.continue_from")
"""Parameters that name weights from elsewhere."""
Lines = list[tuple[str, str]]


def trace_score(file: Path, name: str) -> Lines:
    """Return (heading, text) of everything known about the score `task/column` of a benchmark.json.

    Raises:
        PretraceError: there is no such file, cell, or stage in dvc.lock.
    """
    cell = find_cell(file, name)
    here = Tree("here", None, cell.root)
    costs = here.json("reports/cost.json") or {}
    cost, report = _cost(costs, cell.stage), here.json(cell.report) or {}
    cell.lock_entry()
    chain = cell.chain()
    made_at = _made_at(cost, cell.root)
    lines = [("score", _score(cell)), ("table", _as_locked(cell)), ("stage", cell.stage), ("commit", _commit(cost))]
    lines += _parameters(cell, chain, made_at)
    lines += [("code", text) for text in _code(cell, chain)]
    lines += [("stages", _stage(stage, _cost(costs, stage))) for stage in chain]
    lines += [("data", _data(cell, stage, path, value)) for stage in chain for path, value in cell.data(stage).items()]
    predictions = hashes(cell.lock_entry(), "outs").get(cell.predictions, "not in dvc.lock")
    lines.append(("predictions", f"{cell.predictions}  {predictions}"))
    lines += [("raw inputs", text) for stage in chain for text in _raw(cell, stage)]
    lines += [
        ("MLflow", _mlflow(cost)),
        ("machine", _machine(cost)),
        ("libraries", _libraries(here, made_at)),
        ("took", _took(cost, report)),
    ]
    return _once(lines)


def changed_parameters(cell: Cell, chain: list[str], reference: Tree) -> dict[str, tuple[Any, Any]]:
    """Return {key: (at the commit, as locked)} of parameters that the stages ran with and that differ at the commit."""
    files: dict[str, dict[str, Any]] = {}
    changed = {}
    for stage in chain:
        for file, values in (cell.stages[stage].get("params") or {}).items():
            files.setdefault(file, reference.yaml(file))
            for key, value in (values or {}).items():
                then, now = flat(_at(files[file], key), key), flat(value, key)
                for inner in sorted(then.keys() | now.keys()):
                    if then.get(inner) != now.get(inner):
                        changed[inner if file == "params.yaml" else f"{file}: {inner}"] = (
                            then.get(inner),
                            now.get(inner),
                        )
    return changed


def _score(cell: Cell) -> str:
    row = cell.row
    if row.score is None:
        return f"n/a: {' '.join((row.unavailable or 'no reason given').split())}"
    error = f"; sampling error {100 * row.stderr:.1f}" if row.stderr is not None else ""
    of = f"{row.metric} times 100, of {row.n_eval} test rows"
    return f"{100 * row.score:.2f}, {of} (seeds: {_by_seed(row)}{error})"


def _by_seed(row: BenchmarkRow) -> str:
    """Return the score of each seed; where there are several pre-trainings, under the seed of each."""
    groups: dict[int | None, list[str]] = {}
    for start, score in zip_longest(row.pretrain_seeds, row.scores):
        groups.setdefault(start, []).append(f"{100 * score:.2f}")
    named = [f"from pre-training {start} " * (len(groups) > 1) + ", ".join(own) for start, own in groups.items()]
    return "; ".join(named)


def _as_locked(cell: Cell) -> str:
    """Return the hash of the table, compared with dvc.lock's for the stage `report`."""
    path = cell.file.resolve().relative_to(cell.root).as_posix()
    locked = hashes(cell.stages.get("report"), "outs").get(path)
    own = hashlib.md5(read_bytes(cell.file, TEXT_BYTES), usedforsecurity=False).hexdigest()
    verdict = "as in dvc.lock" if own == locked else f"dvc.lock has {locked or 'none'}"
    return f"{path}: md5 {own}, {verdict}"


def _cost(costs: dict[str, Any], stage: str) -> CostEntry | None:
    if not isinstance(costs.get(stage), dict):
        return None
    return parse_record(costs[stage], CostEntry, "reports/cost.json", stage, unknown="ignore")


def _commit(cost: CostEntry | None) -> str:
    if cost is None or not cost.commit:
        return "not recorded in reports/cost.json"
    return cost.commit + (", with changes that were not committed" if cost.changed else "")


def _made_at(cost: CostEntry | None, root: Path) -> Tree | None:
    """Return the files of the commit at which a stage ran; None if it is not known, or not here."""
    try:
        return tree_at(cost.commit, root) if cost and HASH.fullmatch(cost.commit or "") else None
    except GitError:
        return None  # `_parameters` says what git said


def _machine(cost: CostEntry | None) -> str:
    unknown = "not recorded"
    return f"{(cost and cost.machine) or unknown}; Python {(cost and cost.python) or unknown}"


def _parameters(cell: Cell, chain: list[str], made_at: Tree | None) -> Lines:
    """Return the parameters of the stage, and how they differ from its commit, or from HEAD if that is missing."""
    own = {
        key: value
        for values in (cell.lock_entry().get("params") or {}).values()
        for name, one in (values or {}).items()
        for key, value in flat(one, name).items()
        if value is not None
    }
    lines = [("parameters", ", ".join(f"{key} {shown(value)}" for key, value in own.items()) or "none")]
    try:
        reference = made_at or tree_at("HEAD", cell.root)
    except GitError as error:
        return [*lines, ("changed", f"unknown ({error})")]
    if reference is None:
        return [*lines, ("changed", "no commit to compare the parameters with")]
    named = f"commit {(reference.commit or '')[:SHORT]}" + (
        "" if made_at else " (HEAD: the commit of the stage is not known here)"
    )
    changed = changed_parameters(cell, chain, reference)
    texts = [f"{key}: {shown(now)}, {named} has {shown(then)}" for key, (then, now) in changed.items()]
    return lines + [("changed", text) for text in texts or [f"no parameter, against {named}"]]


def _code(cell: Cell, chain: list[str]) -> list[str]:
    files = sum(path.startswith(("src/", "stages/")) for path in hashes(cell.lock_entry(), "deps"))
    try:
        differ = disagreements(cell.root, *chain)
    except PretraceError as error:
        return [f"{files} files and folders, not compared with dvc.lock ({error})"]
    # The gate says what to do about it.
    differ = [line.removeprefix("dvc.lock: ").partition("; run `dvc")[0] for line in differ]
    return differ or [f"{files} files and folders of the stage, and all of the stages before, are as in dvc.lock"]


def _stage(stage: str, cost: CostEntry | None) -> str:
    commit = f", at {cost.commit[:SHORT]}{'+' * bool(cost.changed)}" if cost and cost.commit else ""
    return f"{stage}  ({_time(cost)}{commit})"


def _data(cell: Cell, stage: str, path: str, value: str) -> str:
    """Return a hash of what a stage read, with a warning if its maker has written another one since."""
    made_by = makers(cell.stages, path)
    written = {hashes(cell.stages[maker], "outs").get(path, value) for maker in made_by}
    by = f"made by {made_by[0]}" + (f" and {len(made_by) - 1} more" if len(made_by) > 1 else "")
    return f"{path}  {value}  {by}" + (
        "" if written == {value} else f", WHICH HAS WRITTEN ANOTHER SINCE: {min(written)}"
    )


def _raw(cell: Cell, stage: str) -> list[str]:
    """Return the inputs from outside the pipeline: files by hash, and the parameters that name sources."""
    texts = [f"{path}  {value}" for path, value in cell.inputs(stage).items()]
    params = (cell.stages[stage].get("params") or {}).get("params.yaml") or {}
    from_elsewhere = not cell.data(stage) or stage.startswith("tasks@")
    keys = params if from_elsewhere else [key for key in WEIGHTS if key in params]
    texts += [f"{key}: {shown(params[key])}" for key in keys if params[key] not in (None, {}, [])]
    return texts + _raw_files(cell, stage.partition("@")[2]) if stage.startswith("tasks@") else texts


def _raw_files(cell: Cell, task: str) -> list[str]:
    """Return the files that a task's rows were read from, by SHA-256, with a warning where they differ now."""
    texts = []
    for name, report in read_task_reports([task], cell.root).items():
        changed, absent = changed_files(report, cell.root), absent_files(report, cell.root)
        for split, file in report.raw_files.items():
            state = ", not here" if file.path in absent else ""
            by = f"sha256 {file.sha256}" if file.sha256 else f"revision {file.revision}"
            texts.append(f"{split} of {name}: {file.path}  {by}{state}")
        texts += [rows_changed(name, changed)] if changed else []
    return texts


def _mlflow(cost: CostEntry | None) -> str:
    record = cost and cost.mlflow_record
    return f"the run with tags.`pretrace.record` = '{record}'" if record else "no run is recorded"


def _libraries(here: Tree, made_at: Tree | None) -> str:
    known = pins((made_at or here).text("requirements.txt"))
    where = f"commit {(made_at.commit or '')[:SHORT]}" if made_at else "requirements.txt here"
    return ", ".join(f"{name} {known[name]}" for name in LIBRARIES if name in known) + f" (as pinned by {where})"


def _time(cost: CostEntry | None) -> str:
    return readable_time(cost.seconds) if cost else "time not recorded"


def _took(cost: CostEntry | None, report: dict[str, Any]) -> str:
    return _time(cost) + (f"; {readable_number(report['flops'])}FLOPs" if report.get("flops") else "")


def _at(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _once(lines: Lines) -> Lines:
    """Lines without repetitions; a heading stands only at its first line."""
    lines = list(dict.fromkeys(lines))
    return [("" if i and lines[i - 1][0] == heading else heading, text) for i, (heading, text) in enumerate(lines)]
