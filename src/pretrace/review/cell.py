"""A cell of the table, with the stage that made it and that stage's entry in dvc.lock."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.review.columns import BASELINES, ZERO_SHOTS, predictions_of, report_of, stage_of
from pretrace.review.git_tree import Tree
from pretrace.review.lockfile import Stages, first_system, hashes, locked_stages, makers, outputs
from pretrace.review.score_changes import rows_of
from pretrace.schemas.baselines import BaselineScore, BaselinesReport, FrozenReport
from pretrace.schemas.benchmark import BenchmarkRow
from pretrace.schemas.finetuning import CellRecord, FinetuneReport
from pretrace.schemas.record import read_record
from pretrace.schemas.zero_shot import ZeroShotReport, ZeroShotScore
from pretrace.settings import FROZEN, split_column

CODE = ("src/", "stages/")


@dataclass(frozen=True)
class Cell:
    """One score of a benchmark.json."""

    file: Path
    root: Path
    """The project of the file, with params.yaml and dvc.lock."""
    row: BenchmarkRow
    stages: Stages
    """Entries of dvc.lock, by name."""
    first_system: str
    """System of columns that name none."""

    @property
    def name(self) -> str:
        return f"{self.row.task}/{self.row.variant}"

    @property
    def stage(self) -> str:
        """The stage that measured it: a fine-tuning, the task's baselines, the zero-shot or the frozen stage."""
        return stage_of(self.row.task, self.row.variant, self.first_system)

    @property
    def report(self) -> str:
        """The report of that stage, with the score."""
        return report_of(self.row.task, self.row.variant, self.first_system)

    @property
    def predictions(self) -> str:
        """The stage's predictions on the test rows, as dvc.lock names them."""
        return predictions_of(self.row.task, self.row.variant, self.first_system)

    def scores_in(self, root: Path) -> list[float]:
        """Return the score in the stage's own report in a folder, then that of each seed; none without a score.

        Raises:
            PretraceError: the report is missing or has another form.
        """
        path, task, variant = root / self.report, self.row.task, split_column(self.row.variant)[0]
        if variant in BASELINES:
            baseline = read_record(path, BaselinesReport).baselines.get(variant)
            return [baseline.score] * 2 if baseline else []
        if variant in ZERO_SHOTS:
            return _of_pretrainings(read_record(path, ZeroShotReport).tasks.get(task, {}).get(variant, {}))
        if variant == FROZEN:
            return _of_pretrainings(read_record(path, FrozenReport).scores)
        report = read_record(path, FinetuneReport)
        return [] if report.score is None else [report.score, *(report.scores or [report.score])]

    def lock_entry(self) -> dict[str, Any]:
        """Return the stage's entry in dvc.lock.

        Raises:
            PretraceError: there is none.
        """
        if self.stage not in self.stages:
            raise PretraceError(f"{self.root / 'dvc.lock'}: has no stage {self.stage}; run `dvc repro {self.stage}`")
        return self.stages[self.stage]

    def chain(self) -> list[str]:
        """Return the stage and those that made what it read, back to the raw inputs; nearest first."""
        chain: list[str] = []
        waiting = [self.stage]
        while waiting:
            name = waiting.pop(0)
            if name not in chain:
                chain.append(name)
                waiting += sorted({maker for path in self.data(name) for maker in makers(self.stages, path)})
        return chain

    def data(self, stage: str) -> dict[str, str]:
        """Return {path: hash} of what a stage read and another one made.

        Of a folder with the results of several stages, only those that this cell rests on: its task, or the files that
        its fine-tuning reads.
        """
        outs = outputs(self.stages)
        data: dict[str, str] = {}
        for path, value in hashes(self.stages[stage], "deps").items():
            inner = {out: own for out, own in outs.items() if out.startswith(f"{path}/")}
            if inner:
                data |= self._own(stage, inner) or inner
            elif makers(self.stages, path):
                data[path] = value
        return data

    def _own(self, stage: str, outs: dict[str, str]) -> dict[str, str]:
        """Return those outputs that this cell rests on, as far as that is known."""
        path = self.root / "data" / "cells" / f"{self.row.task}-{self.row.variant}.json"
        if stage != "cells":
            return {out: value for out, value in outs.items() if out.rpartition("/")[2] == self.row.task}
        files = read_record(path, CellRecord).files if path.is_file() else {}
        return {out: value for out, value in outs.items() if any(file.startswith(f"{out}/") for file in files)}

    def inputs(self, stage: str) -> dict[str, str]:
        """Return {path: hash} of what a stage read that no stage made, besides code."""
        deps = hashes(self.stages[stage], "deps")
        return {
            path: value for path, value in deps.items() if not path.startswith(CODE) and not makers(self.stages, path)
        }


def _of_pretrainings(by_model: Mapping[str, ZeroShotScore | BaselineScore]) -> list[float]:
    """Return the median score of the pre-trained models, then that of each pre-training; none without a score."""
    scores = [one.score for one in by_model.values()]
    return [round(statistics.median(scores), 6), *scores] if scores else []


def find_cell(file: Path, name: str) -> Cell:
    """Return the cell `task/column` of a benchmark.json.

    Raises:
        PretraceError: there is no such file or no such cell; the text names those that are there.
    """
    rows = rows_of(read_json(file))
    task, _, column = name.partition("/")
    if (task, column) not in rows:
        there = [other for other, _ in rows if other == task]
        known = [f"{other}/{variant}" for other, variant in rows if other == task or not there]
        raise PretraceError(f"{file}: no score {name}; it has {', '.join(known)}")
    root = file.resolve().parent.parent
    here = Tree("here", None, root)
    return Cell(file, root, rows[task, column], locked_stages(here), first_system(here))
