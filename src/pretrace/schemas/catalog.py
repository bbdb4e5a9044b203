"""The JSON files of a project: where each lies, who writes it, who reads it, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pretrace.schemas.alignment.records import CompareReport, PromptsReport, RewardReport, ScalarConfig, SftReport
from pretrace.schemas.baselines import BaselinesReport, FrozenReport, TextModelsReport
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.checkpoint import CheckpointMetadata
from pretrace.schemas.corpus import CleanReport, CollectReport
from pretrace.schemas.cost import CostEntry
from pretrace.schemas.few_shot import FewShotLadder, FewShotReport
from pretrace.schemas.finetuning import (
    CellRecord,
    DevScores,
    FinetunedConfig,
    FinetuneFacts,
    FinetuneReport,
    HeadConfig,
    SearchRecord,
    SeedResult,
)
from pretrace.schemas.machines.gpu import GpuRecord
from pretrace.schemas.models import CurvePoint, LadderRecord, ModelConfig, PretrainReport, RatesRecord, Sample
from pretrace.schemas.sequences.learned import LearnReport
from pretrace.schemas.sequences.rows import SequenceTaskRecord, SequenceTaskReport
from pretrace.schemas.tasks import TaskRecord, TaskReport
from pretrace.schemas.tokens import Manifest, VocabularyRecord, VocabularyReport
from pretrace.schemas.tracking import OutputNote, RunRecord, StateFile
from pretrace.schemas.zero_shot import ZeroShotReport


@dataclass(frozen=True)
class FileFormat:
    """A JSON file that one part of pretrace writes and another reads."""

    path: str
    holds: Any
    """A record, or a dict or list of records."""
    written_by: str
    read_by: str


CATALOG = (
    FileFormat("reports/benchmark.json", Benchmark, "stage report", "page, model card, MLflow, `pretrace diff`, CI"),
    FileFormat("reports/collect.json", CollectReport, "stage collect", "people"),
    FileFormat("reports/clean.json", CleanReport, "stage clean", "page, model card"),
    FileFormat("reports/bpe.json", VocabularyReport, "stage report", "`dvc metrics`, people"),
    FileFormat("reports/bpe/<system>.json", VocabularyReport, "stage bpe", "stage report, page, model card"),
    FileFormat("reports/pretrain.json", PretrainReport, "stage report", "page, `dvc metrics`, `pretrace diff`"),
    FileFormat(
        "reports/pretrain/<system>.json", PretrainReport, "stage pretrain", "stages report and zeroshot, model card"
    ),
    FileFormat("reports/samples/<system>.json", list[Sample], "stage pretrain", "page"),
    FileFormat("reports/curves/<system>/*.json", list[CurvePoint], "stage pretrain", "figures, `dvc plots`, MLflow"),
    FileFormat("reports/tasks/<task>.json", TaskReport, "stage tasks", "stage report, page"),
    FileFormat("reports/frozen/<task>-<system>.json", FrozenReport, "stage frozen", "stage report"),
    FileFormat("reports/text_models.json", TextModelsReport, "stage text_models", "people"),
    FileFormat("reports/baselines/<task>.json", BaselinesReport, "stage baselines", "stage report"),
    FileFormat("reports/finetune/<task>-<variant>.json", FinetuneReport, "stage finetune", "stage report, page"),
    FileFormat("reports/zeroshot/<system>.json", ZeroShotReport, "stage zeroshot", "stage report, page"),
    FileFormat("reports/cost.json", dict[str, CostEntry], "every stage", "page, model card, `pretrace trace`"),
    FileFormat("reports/gpu/<device>.json", GpuRecord, "`make gpu` (benchmarks/gpu.py)", "people"),
    FileFormat("reports/search.json", SearchRecord, "`pretrace search`", "page, README's table"),
    FileFormat("reports/fewshot/<system>.json", FewShotReport, "`pretrace fewshot`", "page"),
    FileFormat("reports/sequences/rows.json", dict[str, SequenceTaskReport], "stage sequences", "page"),
    FileFormat("reports/sequences/<task>-<learner>.json", LearnReport, "stage learn", "stage report, page"),
    FileFormat("data/sequences/<task>/task.json", SequenceTaskRecord, "stage sequences", "stage learn"),
    FileFormat("models/sequences/<task>-<learner>/config.json", ModelConfig, "stage learn", "people"),
    FileFormat("reports/fewshot_ladder.json", FewShotLadder, "`pretrace fewshot --ladder`", "people"),
    FileFormat("reports/ladder.json", LadderRecord, "`pretrace ladder`", "page"),
    FileFormat("reports/rates.json", RatesRecord, "`pretrace rates`", "people"),
    FileFormat("reports/assistant/prompts.json", PromptsReport, "stage prompts of assistant/dvc.yaml", "its chapter"),
    FileFormat("reports/assistant/sft.json", SftReport, "stage sft of assistant/dvc.yaml", "its chapter"),
    FileFormat("reports/assistant/reward.json", RewardReport, "stage reward of assistant/dvc.yaml", "its chapter"),
    FileFormat("reports/assistant/compare.json", CompareReport, "stage compare of assistant/dvc.yaml", "people"),
    FileFormat(
        "models/assistant/reward/reward.json",
        ScalarConfig,
        "stage reward of assistant/dvc.yaml",
        "stages policies and compare of assistant/dvc.yaml",
    ),
    FileFormat("models/vocabulary/<system>/vocabulary.json", VocabularyRecord, "stage bpe", "`load_vocabulary`"),
    FileFormat("data/shards/<system>/manifest.json", Manifest, "stage shard", "stage pretrain, `pretrace check`"),
    FileFormat("models/pretrained/<system>/<model>/config.json", ModelConfig, "stage pretrain", "`load_model`"),
    FileFormat("data/tasks/<task>/task.json", TaskRecord, "stage tasks", "stages after it"),
    FileFormat("data/encoded/<system>/<task>/task.json", TaskRecord, "stage encode", "stages after it"),
    FileFormat("reports/encode/<system>.json", dict[str, str], "stage encode", "`pretrace gate`, MLflow"),
    FileFormat("reports/cells.json", dict[str, str], "stage cells", "`pretrace gate`, MLflow"),
    FileFormat("data/cells/<task>-<variant>.json", CellRecord, "stage cells", "stage finetune, `pretrace trace`"),
    FileFormat(
        "models/finetuned/<task>-<variant>/config.json",
        FinetunedConfig,
        "stage finetune",
        "`pretrace predict`, `pretrace export`, MLflow",
    ),
    FileFormat(
        "models/finetuned/<task>-<variant>/head.json",
        HeadConfig,
        "stage finetune, of a variant with `transfer: features`",
        "people",
    ),
    FileFormat(
        "models/finetuned/<task>-<variant>/unavailable.json",
        FinetuneFacts,
        "stage finetune, in the place of a model, for a task without rows",
        "`pretrace predict`",
    ),
    FileFormat(
        ".pretrace/checkpoints/<fingerprint>/step-<step>.json",
        CheckpointMetadata,
        "stage pretrain",
        "stage pretrain, to resume",
    ),
    FileFormat(".pretrace/seeds/<fingerprint>/<seed>/result.json", SeedResult, "one seed", "stage finetune"),
    FileFormat(".pretrace/search/<fingerprint>/<seed>.json", DevScores, "`pretrace search`", "`pretrace search`"),
    FileFormat(".pretrace/tracking/<id>/record.json", RunRecord, "every stage", "uploader to MLflow"),
    FileFormat(".pretrace/tracking/running/<id>.json", RunRecord, "every stage, at its start", "uploader to MLflow"),
    FileFormat(".pretrace/tracking/open/<experiment>.json", StateFile, "uploader to MLflow", "uploader to MLflow"),
    FileFormat(
        ".pretrace/written/<stage>.json",
        dict[str, OutputNote],
        "every stage that is run without DVC",
        "the stages after it",
    ),
)
"""In the order of docs/formats.md."""
