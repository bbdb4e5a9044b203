"""Fine-tuned models as a run leaves them behind: random weights, their vocabulary, test rows, and a pipeline."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pretrace import tracking
from pretrace.common.files import write_json
from pretrace.model import build_model
from pretrace.model.checkpoints.safetensors_file import save_tensors
from pretrace.schemas.benchmark import Benchmark, BenchmarkRow
from pretrace.schemas.tracking import BestModel
from pretrace.settings import Columns, load_settings
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tokens import load_vocabulary, train_vocabulary
from pretrace.training.finetuning.task_head import TaskModel
from tests.helpers.made_up_results import finetuned_config

TEXT = "the cat sat on a mat and then it was not there any more so we went home to bed"
WORDS = TEXT.split()
TASKS = {"source": "classification", "follows": "entailment", "cloze": "multiple_choice", "nearness": "regression"}
LABELS = {"source": ["cats", "dogs", "mats"], "follows": ["two", "one"]}
ROWS = [" ".join(WORDS[n : n + 2 + n % 4]) for n in range(12)]
LOCK = """schema: '2.0'
stages:
  tasks@{task}:
    cmd: x
    outs: [{{path: data/tasks/{task}, md5: {md5}}}]
"""
PIPELINE = """stages:
  tasks:
    matrix: {{task: "${{tasks}}"}}
    cmd: python tasks.py ${{item.task}}
    outs: ["data/tasks/${{item.task}}"]
  finetune:
    matrix: {{task: "${{tasks}}", variant: "${{variants}}"}}
    cmd: {command} ${{item.task}} ${{item.variant}}
    deps: ["data/tasks/${{item.task}}"]
"""


def make_finetuned(project: Path) -> None:
    """Write the models of two variants for a task of each kind."""
    (project / "counts.tsv").write_text("".join(f"{word}\t{50 - n}\n" for n, word in enumerate(WORDS)))
    train_vocabulary(project / "counts.tsv", project / "models/vocabulary/gpt1", 64)
    size = load_vocabulary(project / "models/vocabulary/gpt1").size
    sizes = {"layers": 1, "width": 16, "heads": 2, "feed_forward": 32, "context": 24, "initial_std": 0.5}
    scale = load_settings().scale
    scale = scale.model_copy(update={"model": scale.model.model_copy(update=sizes)})
    for name, kind in TASKS.items():
        for seed, variant in enumerate(("full", "scratch")):
            folder = project / f"models/finetuned/{name}-{variant}"
            folder.mkdir(parents=True)
            outputs = len(LABELS.get(name, [0]))
            model = build_model(scale, size, seed)
            columns = Columns(first=["story", "more"], question="asked").model_dump()
            config = finetuned_config(
                LABELS.get(name), kind, outputs, model=model.describe().as_json(), columns=columns
            )
            form = InputFormat.delimiters(size, model.context)
            save_tensors(folder / "model.safetensors", TaskModel(model, KINDS[kind], outputs, form, 5))
            write_json(folder / "config.json", config)
        parts = {"classification": 1, "multiple_choice": 4}.get(kind, 2)
        (project / f"data/tasks/{name}").mkdir(parents=True)
        rows = [[ROWS[(n + part) % len(ROWS)] for part in range(parts)] for n in range(len(ROWS))]
        pq.write_table(pa.table({"parts": rows}), project / f"data/tasks/{name}/test.parquet")
    write_pipeline(project, "0" * 32, "python finetune.py")


def write_pipeline(project: Path, rows: str, command: str) -> None:
    (project / "dvc.yaml").write_text(PIPELINE.format(command=command))
    (project / "dvc.lock").write_text(LOCK.format(task="source", md5=rows))


def models(full: float, scratch: float, tasks: tuple[str, ...]) -> list[BestModel]:
    """Return the models that the report registers when the columns have these scores."""
    rows = [
        benchmark_row(task, variant, score)
        for task in tasks
        for variant, score in (("full", full), ("scratch", scratch), ("majority", 0.99))
    ]
    return tracking.best_models(benchmark(rows))


def benchmark(rows: list[BenchmarkRow]) -> Benchmark:
    return Benchmark(
        scale="laptop", seeds=[1], scores={}, averages={}, winners={}, rows=rows, comparisons=[], overall=[]
    )


def benchmark_row(task: str, variant: str, score: float | None) -> BenchmarkRow:
    return BenchmarkRow(
        task=task,
        kind=TASKS.get(task, "similarity"),
        variant=variant,
        system=None if variant == "majority" else "gpt1",
        metric="accuracy",
        score=score,
        scores=[] if score is None else [score],
        stderr=None if score is None else 0.01,
        n_train=8,
        n_eval=8,
    )
