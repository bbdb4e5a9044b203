"""Differences between two states of dvc.lock in what a stage was made from, and the machines on which they ran.

A stage has not changed if its command, its parameters, its code and its raw inputs are the same, and so are those of
the stages that made its data. The data themselves may differ then: another kind of processor or another precision gives
other digits.
"""

from __future__ import annotations

from typing import Any

from pretrace.review.costs import costs_of
from pretrace.review.git_tree import Tree
from pretrace.review.lockfile import Stages, hashes, makers


def is_unchanged(stage: str, one: Stages, other: Stages) -> bool:
    """Return whether a stage and all before it were made from the same; False if one of the states lacks it."""
    waiting, seen = [stage], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in one or name not in other or _own(one, name) != _own(other, name):
            return False
        waiting += _makers(one, name)
    return True


def ran_on(stage: str, tree: Tree) -> str:
    """Return the machine and the precision of a stage's run, as far as reports/cost.json knows them."""
    entry = costs_of(tree).get(stage)
    known = (entry.machine, entry.device, entry.precision) if entry else ()
    return ", ".join(part for part in known if part) or "an unknown machine"


def _own(stages: Stages, name: str) -> Any:
    """Return all that a stage was made from, without the data of other stages."""
    stage = stages[name]
    raw = {path: value for path, value in hashes(stage, "deps").items() if not makers(stages, path)}
    return stage.get("cmd"), stage.get("params"), raw


def _makers(stages: Stages, name: str) -> list[str]:
    return [maker for path in hashes(stages[name], "deps") for maker in makers(stages, path)]
