"""Results that are read in parts: the lock has the whole, a report in git the parts, and both have to agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pretrace.review.lockfile import _broken_links
from tests.helpers.plain_yaml import write_yaml

CELL, MODELS, ROWS = "data/cells/one-full.json", "models/pretrained/gpt1", "data/encoded/gpt1"
MD5 = {CELL: "c" * 32, MODELS: f"{'a' * 32}.dir", ROWS: f"{'b' * 32}.dir", f"{ROWS}/one": f"{'d' * 32}.dir"}


def stage(deps: tuple[str, ...], *outs: str) -> dict[str, Any]:
    entries = {"deps": deps, "outs": outs}
    return {
        "cmd": "x",
        **{part: [{"path": p, "md5": MD5.get(p, "e" * 32)} for p in own] for part, own in entries.items()},
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    matrix = {"cmd": "x", "matrix": {"system": "${systems}"}}
    cell = {"cmd": "x", "matrix": {"task": "${tasks}", "variant": "${variants}"}}
    stages = {"pretrain": matrix, "encode": matrix, "cells": {"cmd": "x"}, "finetune": cell}
    write_yaml(tmp_path / "dvc.yaml", {"stages": stages})
    write_yaml(tmp_path / "params.yaml", {"systems": ["gpt1"], "tasks": {"one": {}}, "variants": {"full": {}}})
    locked = {
        "pretrain@gpt1": stage((), MODELS),
        "encode@gpt1": stage((), ROWS),
        "cells": stage(("data/encoded", "models/pretrained"), "data/cells"),
        "finetune@one-full": stage((CELL,), "data/predictions/one-full.parquet"),
    }
    write_yaml(tmp_path / "dvc.lock", {"schema": "2.0", "stages": locked})
    write(tmp_path, "reports/cells.json", MODELS, ROWS, CELL)
    write(tmp_path, "reports/encode/gpt1.json", f"{ROWS}/one")
    return tmp_path


def write(root: Path, file: str, *paths: str, **other: str) -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(json.dumps({path: MD5[path] for path in paths} | other))


def test_parts_that_agree_are_no_disagreement(root: Path) -> None:
    assert list(_broken_links(root)) == []


@pytest.mark.parametrize(
    ("path", "stage", "maker"), [(MODELS, "cells", "pretrain@gpt1"), (CELL, "finetune@one-full", "cells")]
)
def test_part_of_another_run_is_named(root: Path, path: str, stage: str, maker: str) -> None:
    values = json.loads((root / "reports/cells.json").read_text())
    (root / "reports/cells.json").write_text(json.dumps(values | {path: "0" * 32}))
    ((name, line),) = _broken_links(root)
    assert name == stage
    assert line == (
        f"dvc.lock: {stage}: it was run on another {path} than {maker} has made; run `dvc repro {stage}`, and commit "
        "dvc.lock and reports"
    )
