"""Other systems through the whole pipeline, by one option: in the place of GPT-1, and beside it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pretrace.tuning.lineage import FLOPS, TOKENS
from tests.helpers import tiny_project as tiny

pytestmark = pytest.mark.slow
BESIDE = ("exp", "run", "-S", "systems=[gpt1,bert]", "-S", "+variants.bert={system: bert}")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def weights_of(project: Path, system: str) -> bytes:
    return (project / f"models/pretrained/{system}/transformer/model.safetensors").read_bytes()


def test_system_is_one_option_away(finished: Path, tmp_path: Path) -> None:
    project = tiny.copied(finished, tmp_path / "project")
    before, table = weights_of(project, "gpt1"), (project / "reports/benchmark.json").read_bytes()
    tiny.dvc(project, "exp", "run", "-S", "systems=[gpt2]")

    assert read(project / "models/vocabulary/gpt2/vocabulary.json")["kind"] == "byte-bpe"
    form = read(project / "models/pretrained/gpt2/transformer/config.json")["settings"]
    assert (form["norm"], form["residual_init"]) == ("pre", "depth")
    assert "position_std" not in form  # that is for laptop scale
    benchmark = read(project / "reports/benchmark.json")
    assert all(row["score"] is not None for row in benchmark["rows"])
    assert list(benchmark["systems"]) == ["gpt2"]
    assert weights_of(project, "gpt2") != before

    tiny.change_params(project, systems=["gpt1"])
    said = tiny.dvc(project, "repro")
    assert (project / "reports/benchmark.json").read_bytes() == table
    assert weights_of(project, "gpt1") == before
    assert "transformer: loss" not in said  # nothing is trained again


def test_another_system_in_the_table_runs_only_what_is_new(finished: Path, tmp_path: Path) -> None:
    project = tiny.copied(finished, tmp_path / "project")
    before, tasks = read(project / "reports/benchmark.json"), list(tiny.load(project / "params.yaml")["tasks"])
    ran = tiny.ran(tiny.dvc(project, *BESIDE))

    new = {f"{stage}@bert" for stage in ("bpe", "shard", "pretrain", "encode", "zeroshot")}
    new |= {f"finetune@{task}-bert" for task in tasks} | {f"frozen@{task}-bert" for task in tasks}
    assert set(ran) == new | {"cells", "report"}

    after = read(project / "reports/benchmark.json")
    assert list(after["systems"]) == ["gpt1", "bert"]
    for task in tasks:
        assert before["scores"][task].items() <= after["scores"][task].items()
        assert after["scores"][task].keys() - before["scores"][task].keys() == {"bert", "frozen-bert"}
    systems = {row["variant"]: row.get("system") for row in after["rows"]}
    assert (systems["full"], systems["bert"], systems["frozen-bert"]) == ("gpt1", "bert", "bert")
    assert "system" not in next(row for row in after["rows"] if row["variant"] == "tfidf")
    gathered = read(project / "reports/pretrain.json")
    assert gathered["val_loss"] > 0 and gathered["systems"]["bert"]["val_masked_loss"] > 0
    assert "frozen LM + LR, bert" in (project / "reports/benchmark.md").read_text(encoding="utf-8")


def test_systems_at_equal_tokens_and_equal_flops(finished: Path, tmp_path: Path) -> None:
    project = tiny.copied(finished, tmp_path / "project")
    values = tiny.load(project / "params.yaml")
    pair = {"lineage": {"full": {"system": "gpt1"}, "masked": {"system": "bert_without_nsp"}}}
    tiny.change_params(project, ablations=values["ablations"] | pair)
    tiny.commit(project, "a pair")
    said = tiny.must(project, "python", "-m", "pretrace.cli", "lineage", PYTHONPATH="src")
    reports = {name: read_at(project, commit, "reports/pretrain.json") for name, commit in commits(said).items()}
    equal, spent = reports[TOKENS], reports[FLOPS]
    assert equal["systems"]["bert_without_nsp"]["tokens"] == equal["tokens"]
    assert (spent["val_loss"], spent["flops"]) == (equal["val_loss"], equal["flops"])  # the same training
    masked = spent["systems"]["bert_without_nsp"]
    assert masked["tokens"] > equal["tokens"] and 0 <= masked["flops"] / spent["flops"] - 1 < 0.1
    assert said.count("| follows |") == 2
    assert "masked" not in values["variants"] and tiny.load(project / "params.yaml")["systems"] == ["gpt1"]


def test_heads_on_states_stand_beside_fine_tuning(finished: Path, tmp_path: Path) -> None:
    """Word vectors, ELMo and the frozen model, as columns of the table; nothing of the first system runs again."""
    project = tiny.copied(finished, tmp_path / "project")
    systems, variants = "systems=[gpt1,word2vec,elmo]", "variants=${ablations.features}"
    ran = tiny.ran(tiny.dvc(project, "exp", "run", "-S", systems, "-S", variants))
    assert not [stage for stage in ran if stage.endswith("gpt1") or stage.endswith("-full")]

    rows = read(project / "reports/benchmark.json")["rows"]
    found = {row["variant"]: row.get("system") for row in rows}
    expected = {"full": "gpt1", "gpt1_states": "gpt1", "word2vec": "word2vec", "elmo": "elmo"}
    assert expected.items() <= found.items() and "scratch" not in found
    assert all(row["score"] is not None for row in rows if row["variant"] in expected)
    gathered = read(project / "reports/pretrain.json")["systems"]
    assert gathered["word2vec"]["val_pair_loss"] > 0 and gathered["elmo"]["val_both_loss"] > 0
    page = (project / "reports/index.html").read_text(encoding="utf-8")
    assert "Mikolov et al. 2013" in page and "Peters et al. 2018" in page


def commits(said: str) -> dict[str, str]:
    lines = [line.removeprefix("## ").split(", ") for line in said.splitlines() if line.startswith("## ")]
    return {name: commit for name, commit in lines}


def read_at(project: Path, commit: str, path: str) -> Any:
    shown = subprocess.run(["git", "show", f"{commit}:{path}"], cwd=project, capture_output=True, check=True)
    return json.loads(shown.stdout)
