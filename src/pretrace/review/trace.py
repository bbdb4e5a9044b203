"""What is known of where a score came from, as headings with text."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.units import readable_number, readable_time
from pretrace.report.provenance import SHORT
from pretrace.review.cell import Cell, find_cell
from pretrace.review.git_tree import Tree, tree_at
from pretrace.review.lockfile import disagreements, hashes
from pretrace.review.parameters import flat, pins, shown

LIBRARIES = ("torch", "numpy", "sentencepiece", "safetensors", "scikit-learn", "scipy", "pandas", "pyarrow", "dvc")
"""Of the pins, those that compute."""
Lines = list[tuple[str, str]]


def trace(file: Path, name: str) -> Lines:
    """(heading, text) of everything known about the score `task/column` of a benchmark.json.

    Raises:
        PretraceError: there is no such file, cell, or stage in dvc.lock.
    """
    cell = find_cell(file, name)
    here = Tree("here", None, cell.root)
    cost = here.json("reports/cost.json") or {}
    spent, report = cost.get(cell.stage) or {}, here.json(cell.report) or {}
    cell.locked()
    chain = cell.chain()
    made_at = tree_at(str(spent["commit"]), cell.root) if spent.get("commit") else None
    lines = [("score", _score(cell)), ("table", _as_locked(cell)), ("stage", cell.stage), ("commit", _commit(spent))]
    lines += _parameters(cell, chain, made_at)
    lines += [("code", text) for text in _code(cell, chain)]
    lines += [("stages", _stage(cell, stage, cost.get(stage) or {})) for stage in chain]
    lines += [("data", _data(cell, stage, path, value)) for stage in chain for path, value in cell.data(stage).items()]
    lines += [
        ("answers", f"{cell.predictions}  {hashes(cell.locked(), 'outs').get(cell.predictions, 'not in dvc.lock')}")
    ]
    lines += [("raw inputs", text) for stage in chain for text in _raw(cell, stage)]
    lines += [
        ("MLflow", _mlflow(spent)),
        ("machine", f"{spent.get('machine', 'not recorded')}; Python {spent.get('python', 'not recorded')}"),
        ("libraries", _libraries(here, made_at)),
        ("took", _took(spent, report)),
    ]
    return _once(lines)


def changed_parameters(cell: Cell, chain: list[str], reference: Tree) -> dict[str, tuple[Any, Any]]:
    """{key: (at the commit, as locked)} of what the stages ran with and the commit's files say otherwise."""
    files: dict[str, dict[str, Any]] = {}
    found = {}
    for stage in chain:
        for file, values in (cell.stages[stage].get("params") or {}).items():
            files.setdefault(file, reference.yaml(file))
            for key, value in (values or {}).items():
                then, now = flat(_at(files[file], key), key), flat(value, key)
                for inner in sorted(then.keys() | now.keys()):
                    if then.get(inner) != now.get(inner):
                        found[inner if file == "params.yaml" else f"{file}: {inner}"] = then.get(inner), now.get(inner)
    return found


def _score(cell: Cell) -> str:
    row = cell.row
    if row.get("score") is None:
        return f"n/a: {' '.join(str(row.get('unavailable') or 'no reason given').split())}"
    error = f"; sampling error {100 * row['stderr']:.1f}" if row.get("stderr") is not None else ""
    seeds = ", ".join(f"{100 * score:.2f}" for score in row.get("scores") or [])
    of = f"{row.get('metric')} times 100, of {row.get('n_eval')} test rows"
    return f"{100 * row['score']:.2f}, {of} (seeds: {seeds}{error})"


def _as_locked(cell: Cell) -> str:
    """Whether the table is the one that the stage `report` wrote, by its hash in dvc.lock."""
    path = cell.file.resolve().relative_to(cell.root).as_posix()
    locked = hashes(cell.stages.get("report"), "outs").get(path)
    own = hashlib.md5(cell.file.read_bytes(), usedforsecurity=False).hexdigest()
    said = f"md5 {own}, as dvc.lock has it" if own == locked else f"md5 {own}, dvc.lock has {locked or 'none'}"
    return f"{path}: {said}"


def _commit(spent: dict[str, Any]) -> str:
    if not spent.get("commit"):
        return "not recorded in reports/cost.json"
    return f"{spent['commit']}{', with changes that were not committed' if spent.get('changed') else ''}"


def _parameters(cell: Cell, chain: list[str], made_at: Tree | None) -> Lines:
    """What the stage itself ran with, and what differed from its commit; from HEAD where that commit is not here."""
    own = {
        key: value
        for values in (cell.locked().get("params") or {}).values()
        for name, one in (values or {}).items()
        for key, value in flat(one, name).items()
        if value is not None
    }
    lines = [("parameters", ", ".join(f"{key} {shown(value)}" for key, value in own.items()) or "none")]
    reference = made_at or tree_at("HEAD", cell.root)
    if reference is None:
        return [*lines, ("changed", "no commit to compare the parameters with")]
    named = f"commit {(reference.commit or '')[:SHORT]}" + ("" if made_at else " (HEAD: its own is not known here)")
    changed = changed_parameters(cell, chain, reference)
    said = [f"{key}: {shown(now)}, {named} has {shown(then)}" for key, (then, now) in changed.items()]
    return lines + [("changed", text) for text in said or [f"no parameter, against {named}"]]


def _code(cell: Cell, chain: list[str]) -> list[str]:
    files = sum(path.startswith(("src/", "stages/")) for path in hashes(cell.locked(), "deps"))
    try:
        differ = disagreements(cell.root, *chain)
    except PretraceError as error:
        return [f"{files} files and folders, not compared with dvc.lock ({error})"]
    # What to do about it is for the gate to say.
    differ = [line.removeprefix("dvc.lock: ").partition("; run `dvc")[0] for line in differ]
    return differ or [f"{files} files and folders of the stage, and all of the stages before, are as dvc.lock has them"]


def _stage(cell: Cell, stage: str, spent: dict[str, Any]) -> str:
    took = readable_time(spent["seconds"]) if spent.get("seconds") is not None else "time not recorded"
    commit = f", at {str(spent['commit'])[:SHORT]}{'+' * bool(spent.get('changed'))}" if spent.get("commit") else ""
    return f"{stage}  ({took}{commit})"


def _data(cell: Cell, stage: str, path: str, value: str) -> str:
    """A hash of what a stage read; said, where its maker wrote another one since."""
    makers = cell.makers(path)
    written = {hashes(cell.stages[maker], "outs").get(path, value) for maker in makers}
    by = f"made by {makers[0]}" + (f" and {len(makers) - 1} more" if len(makers) > 1 else "")
    return f"{path}  {value}  {by}" + ("" if written == {value} else f", WHICH HAS MADE ANOTHER SINCE: {min(written)}")


def _raw(cell: Cell, stage: str) -> list[str]:
    """What came from outside: files by hash, and the parameters that name sources."""
    texts = [f"{path}  {value}" for path, value in cell.inputs(stage).items()]
    if not cell.data(stage) or stage.startswith("tasks@"):
        params = (cell.stages[stage].get("params") or {}).get("params.yaml") or {}
        texts += [f"{key}: {shown(value)}" for key, value in params.items() if value not in (None, {}, [])]
    return texts


def _mlflow(spent: dict[str, Any]) -> str:
    record = spent.get("mlflow_record")
    return f"the run with tags.`pretrace.record` = '{record}'" if record else "no run is recorded"


def _libraries(here: Tree, made_at: Tree | None) -> str:
    known = pins((made_at or here).text("requirements.txt"))
    where = f"commit {(made_at.commit or '')[:SHORT]}" if made_at else "requirements.txt here"
    return ", ".join(f"{name} {known[name]}" for name in LIBRARIES if name in known) + f" (as pinned by {where})"


def _took(spent: dict[str, Any], report: dict[str, Any]) -> str:
    took = readable_time(spent["seconds"]) if spent.get("seconds") is not None else "time not recorded"
    return took + (f"; {readable_number(report['flops'])}FLOPs" if report.get("flops") else "")


def _at(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _once(lines: Lines) -> Lines:
    """Each heading where it begins, and no line twice."""
    lines = list(dict.fromkeys(lines))
    return [("" if i and lines[i - 1][0] == heading else heading, text) for i, (heading, text) in enumerate(lines)]
