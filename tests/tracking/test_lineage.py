"""Inputs of a stage have DVC's hashes before DVC has written them, and the same inputs have one fingerprint."""

from __future__ import annotations

import copy

import pytest

from pretrace.schemas.tracking import PipelineSnapshot
from pretrace.tracking.lineage import Pipeline, snapshot
from tests.helpers import REPOSITORY


@pytest.fixture(scope="module")
def taken() -> PipelineSnapshot:
    """A snapshot of the repository as it is; its lock may be of an older commit, which is the usual thing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(REPOSITORY)
        return snapshot("laptop", ["gpt1"])


def digests(pipeline: Pipeline, stage: str) -> dict[str, str]:
    return {one.path: one.md5 for one in pipeline.inputs(stage)}


def test_inputs_have_the_hashes_of_their_producers(taken: PipelineSnapshot) -> None:
    pipeline = Pipeline(taken)
    locked = {entry["path"]: entry["md5"] for stage in pipeline.locked.values() for entry in stage["outs"]}
    own = ("data/shards/gpt1", "models/vocabulary/gpt1")
    assert digests(pipeline, "pretrain@gpt1") == {name: locked[name] for name in own}
    assert digests(pipeline, "text_models")["data/shards/gpt1"] == locked["data/shards/gpt1"], "of the first system"
    assert digests(pipeline, "tasks@source")["data/clean/probes"] == locked["data/clean"], "a part of a result"
    assert digests(pipeline, "cells")["data/encoded/gpt1"] == locked["data/encoded/gpt1"]
    cell = "data/cells/source-full.json"
    assert digests(pipeline, "finetune@source-full") == {cell: taken.parts[cell]}, "a part that a report has"
    inputs = digests(pipeline, "report")  # depends on folders that hold the results of many stages
    assert inputs["models/finetuned/source-full"] == locked["models/finetuned/source-full"]
    assert not any(name.startswith("reports/") for name in inputs)
    assert digests(pipeline, "collect") == {}


def test_inputs_match_dvc_lock(taken: PipelineSnapshot) -> None:
    """Wherever dvc.lock's own entry has the same path, and it is a whole result, it has the same hash."""
    pipeline, compared = Pipeline(taken), 0
    whole = {entry["path"] for stage in pipeline.locked.values() for entry in stage["outs"]}
    for stage in pipeline.stages:
        own = {entry["path"]: entry["md5"] for entry in pipeline.locked[stage].get("deps") or []}
        for path, md5 in digests(pipeline, stage).items():
            if path in own and path in whole:
                assert md5 == own[path], f"{stage}: {path}"
                compared += 1
    assert compared > 20


def test_input_without_a_producer_is_unlocked(taken: PipelineSnapshot) -> None:
    texts = {name: text for name, text in taken.texts.items() if name != "dvc.lock"}
    assert set(digests(Pipeline(PipelineSnapshot(texts=texts, code=taken.code)), "pretrain@gpt1").values()) == {
        "unlocked"
    }


def test_pipeline_without_files_is_empty() -> None:
    pipeline = Pipeline(PipelineSnapshot(texts={}, code={}))
    assert pipeline.inputs("clean") == []
    assert pipeline.fingerprint("clean") == ""


def test_stages_include_cells_of_a_matrix(taken: PipelineSnapshot) -> None:
    stages = Pipeline(taken).stages
    assert "finetune@source-full" in stages
    assert stages["finetune@source-full"]["cmd"] == "sh stages/run finetune"


def test_every_system_has_its_stages(taken: PipelineSnapshot) -> None:
    """A further one changes no fingerprint of the first one's."""
    texts = {**taken.texts, "systems/bert.yaml": (REPOSITORY / "systems" / "bert.yaml").read_text("utf-8")}
    texts["params.yaml"] = texts["params.yaml"].replace("systems:\n- gpt1\n", "systems:\n- gpt1\n- bert\n")
    one, two = Pipeline(taken), Pipeline(taken.model_copy(update={"texts": texts}))
    assert {f"{stage}@bert" for stage in ("bpe", "shard", "pretrain", "encode", "zeroshot")} <= two.stages.keys()
    assert "frozen@source-bert" in two.stages
    assert list(digests(two, "pretrain@bert")) == ["data/shards/bert", "models/vocabulary/bert"]
    for stage in ("text_models", "pretrain@gpt1", "baselines@source", "frozen@source-gpt1"):
        assert one.fingerprint(stage) == two.fingerprint(stage) != "", stage
    assert two.fingerprint("pretrain@bert") != two.fingerprint("pretrain@gpt1")


def test_another_task_changes_no_fingerprint_of_what_reads_parts(taken: PipelineSnapshot) -> None:
    """Its rows and cells are in folders that others read a part of."""
    lock = taken.texts["dvc.lock"]
    for path in ("data/cells", "data/encoded/gpt1"):
        lock = lock.replace(Pipeline(taken).md5(path), "0" * 32)
    one, two = Pipeline(taken), Pipeline(taken.model_copy(update={"texts": {**taken.texts, "dvc.lock": lock}}))
    for stage in ("finetune@source-full", "baselines@source", "frozen@source-gpt1"):
        assert one.fingerprint(stage) == two.fingerprint(stage) != "", stage
    assert one.fingerprint("cells") != two.fingerprint("cells")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (("texts", "params.yaml", "lr:", "lr: 0.5"), {"finetune@source-full", "finetune@cloze-scratch"}),
        (("texts", "params.yaml", "zero_shot:\n  rows:\n", "zero_shot:\n  rows: 7\n"), {"zeroshot@gpt1"}),
        (
            ("code", "src/pretrace/training/finetuning/run.py", None, "0"),
            {"finetune@source-full", "finetune@cloze-scratch"},
        ),
        (("code", "src/pretrace/tasks/ready/cola.yaml", None, "0"), {"tasks@source", "evaluation"}),
        (("texts", "systems/gpt1.yaml", "source:", "source: changed "), {"pretrain@gpt1"}),
        (("code", "src/pretrace/tracking/spool/uploader.py", None, "0"), set()),
    ],
)
def test_fingerprint_depends_on_code_and_parameters(
    taken: PipelineSnapshot, change: tuple[str, ...], changed: set[str]
) -> None:
    watched = {"clean", "evaluation", "pretrain@gpt1", "tasks@source", "zeroshot@gpt1"}
    watched |= {"finetune@source-full", "finetune@cloze-scratch"}
    part, name, old, new = change
    other = copy.deepcopy(taken)
    files = getattr(other, part)
    files[name] = files[name].replace(old, new, 1) if old else new
    before, after = Pipeline(taken), Pipeline(other)
    assert {stage for stage in watched if before.fingerprint(stage) != after.fingerprint(stage)} == changed


@pytest.mark.slow
def test_fingerprint_depends_on_data(taken: PipelineSnapshot) -> None:
    pipeline = Pipeline(taken)
    other = copy.deepcopy(taken)
    other.texts["dvc.lock"] = other.texts["dvc.lock"].replace(pipeline.md5("data/shards/gpt1"), "0" * 32)
    assert Pipeline(other).fingerprint("pretrain@gpt1") != pipeline.fingerprint("pretrain@gpt1")
    assert Pipeline(other).fingerprint("clean") == pipeline.fingerprint("clean")
