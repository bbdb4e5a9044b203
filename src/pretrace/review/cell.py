"""A cell of the table, with the stage that made it and that stage's place in dvc.lock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.report.predictions import ZERO_SHOT
from pretrace.review.git_tree import Tree
from pretrace.review.lockfile import hashes, locked_stages
from pretrace.review.score_changes import rows_of
from pretrace.settings import MAIN_MODEL

BASELINES = ("majority", "tfidf")
CODE = ("src/", "stages/")


@dataclass(frozen=True)
class Cell:
    """One score of a benchmark.json."""

    file: Path
    root: Path
    """The project that the file is of: params.yaml and dvc.lock are here."""
    row: dict[str, Any]
    stages: dict[str, dict[str, Any]]
    """dvc.lock's, by name."""

    @property
    def name(self) -> str:
        return f"{self.row['task']}/{self.row['variant']}"

    @property
    def stage(self) -> str:
        """Who measured it: a fine-tuning, the task's own stage for its baselines, or the zero-shot stage."""
        if self.row["variant"] in BASELINES:
            return f"tasks@{self.row['task']}"
        if self.row["variant"] == ZERO_SHOT:
            return "zeroshot"
        return f"finetune@{self.row['task']}-{self.row['variant']}"

    @property
    def report(self) -> str:
        """The file in which that stage wrote the score."""
        task, variant = self.row["task"], self.row["variant"]
        if variant in BASELINES:
            return f"reports/tasks/{task}.json"
        return "reports/zeroshot.json" if variant == ZERO_SHOT else f"reports/finetune/{task}-{variant}.json"

    @property
    def predictions(self) -> str:
        """What the stage answered to the test rows, as dvc.lock names it."""
        task, variant = self.row["task"], self.row["variant"]
        if variant in BASELINES:
            return f"data/tasks/{task}"
        return "data/zeroshot" if variant == ZERO_SHOT else f"data/predictions/{task}-{variant}.parquet"

    def scores_in(self, root: Path) -> list[float]:
        """What the stage's own report in a folder says: the score, then that of each seed.

        Raises:
            PretraceError: the report is missing or not whole.
        """
        found, variant = read_json(root / self.report), self.row["variant"]
        if variant in BASELINES:
            found = (found.get("baselines") or {}).get(variant) or {}
        elif variant == ZERO_SHOT:
            found = (found.get("tasks") or {}).get(self.row["task"], {}).get(MAIN_MODEL) or {}
        score = found.get("score")
        return [] if score is None else [score, *(found.get("scores") or [score])]

    def locked(self) -> dict[str, Any]:
        """The stage's entry in dvc.lock.

        Raises:
            PretraceError: there is none.
        """
        if self.stage not in self.stages:
            raise PretraceError(f"{self.root / 'dvc.lock'}: has no stage {self.stage}; run `dvc repro {self.stage}`")
        return self.stages[self.stage]

    def chain(self) -> list[str]:
        """The stage, and those that made what it read, back to the raw inputs; nearest first."""
        found, waiting = [], [self.stage]
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found.append(name)
                waiting += sorted({maker for path in self.data(name) for maker in self.makers(path)})
        return found

    def data(self, stage: str) -> dict[str, str]:
        """{path: hash} of what a stage read and another one made."""
        return {path: value for path, value in hashes(self.stages[stage], "deps").items() if self.makers(path)}

    def inputs(self, stage: str) -> dict[str, str]:
        """{path: hash} of what a stage read that no stage made, besides code."""
        found = hashes(self.stages[stage], "deps")
        return {path: value for path, value in found.items() if not path.startswith(CODE) and not self.makers(path)}

    def makers(self, path: str) -> list[str]:
        """The stages that write a path, what is in it, or what it is in."""
        return [
            name
            for name, stage in self.stages.items()
            if any(
                f"{out}/".startswith(f"{path}/") or f"{path}/".startswith(f"{out}/") for out in hashes(stage, "outs")
            )
        ]


def find_cell(file: Path, name: str) -> Cell:
    """The cell `task/column` of a benchmark.json.

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
    return Cell(file, root, rows[task, column], locked_stages(Tree("here", None, root)))
