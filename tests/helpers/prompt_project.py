"""A project with tasks, prompts, shards and a model with random weights: all that prompts are scored with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from pretrace.common.files import write_json
from pretrace.corpus.documents import Document, write_documents
from pretrace.model import Transformer, save_model
from pretrace.settings import ModelSettings
from pretrace.tasks.rows.dataset import Row, TaskData, write_rows
from pretrace.tokens import Vocabulary, load_vocabulary
from pretrace.tokens.shards import write_shards
from tests.helpers import REPOSITORY
from tests.helpers.made_up_results import pretrain_report
from tests.helpers.plain_yaml import read_yaml, write_yaml
from tests.helpers.small_vocabulary import TEXT, write_openai_vocabulary

SIZES = ModelSettings(
    layers=1, width=16, heads=2, feed_forward=32, context=96, dropout=0.0, embedding_dropout="sum", initial_std=0.3
)
SENTENCES = ("it was the best of times .", "the times it was .", "there were others too .", "others were lazy")
ENTRIES: dict[str, dict[str, Any]] = {
    "films": {"kind": "classification", "probe": "acceptability", "metric": "matthews"},
    "pairs": {"kind": "entailment", "probe": "follows"},
    "alike": {"kind": "similarity", "probe": "same"},
    "graded": {"kind": "regression", "probe": "nearness", "metric": "pearson"},
    "ends": {"kind": "multiple_choice", "probe": "cloze"},
    "schemas": {"kind": "multiple_choice", "train": "a.csv", "test": "b.csv", "prompt": "gpt3_winograd"},
}
MODEL = Path("models/pretrained/gpt1/transformer")


def tasks_of() -> dict[str, TaskData]:
    def data(kind: str, metric: str, labels: list[str] | None, rows: list[Row]) -> TaskData:
        return TaskData(kind, metric, labels, {"train": rows[10:], "dev": rows[7:10], "test": rows[:7]})

    def text(n: int) -> str:
        return f"{SENTENCES[n % 4]} {n}"

    numbers = range(26)
    return {
        "films": data(
            "classification", "matthews", ["bad", "good"], [Row((text(n),), n % 2, f"d{n}") for n in numbers]
        ),
        "pairs": data(
            "entailment", "accuracy", ["no", "yes"], [Row((text(n), SENTENCES[n % 3]), n % 2, f"d{n}") for n in numbers]
        ),
        "alike": data(
            "similarity", "f1", ["two", "one"], [Row((text(n), text(n + 3)), n % 2, f"d{n}") for n in numbers]
        ),
        "graded": data(
            "regression", "pearson", None, [Row((text(n), text(n + 1)), n % 4 + 0.2, f"d{n}") for n in numbers]
        ),
        "ends": data(
            "multiple_choice",
            "accuracy",
            None,
            [Row((text(n), "the dog", "a king .", "times"), n % 3) for n in numbers],
        ),
        "schemas": data(
            "multiple_choice", "accuracy", None, [Row((f"the _ was lazy {n}", "dog", "king"), n % 2) for n in numbers]
        ),
    }


def make_prompt_project(folder: Path) -> Vocabulary:
    """Add to a folder with params.yaml (the fixture `project`) all that `pretrace fewshot` reads."""
    write_openai_vocabulary(folder / MODEL / "vocabulary")
    vocabulary = load_vocabulary(folder / MODEL / "vocabulary")
    save_model(folder / MODEL, Transformer(SIZES, vocabulary.size, 9))
    shutil.copytree(REPOSITORY / "prompts", folder / "prompts")
    for name, task in tasks_of().items():
        write_rows(folder / "data/tasks" / name, task)
    for split, count in (("train", 2), ("validation", 3)):
        documents = [Document(f"{split}{n}", "s", f"{n} {TEXT}") for n in range(count)]
        write_documents(folder / "data/clean" / split, documents)
    write_shards(folder / "data/clean", vocabulary, folder / "data/shards/gpt1")
    write_json(folder / "reports/pretrain/gpt1.json", pretrain_report(4))
    few = {"shots": [0, 1, 2, 30], "seeds": [1, 2], "rows": 6, "dev_rows": None}
    change(folder, tasks=ENTRIES, few_shot=few)
    return vocabulary


def change(folder: Path, **values: Any) -> None:
    """Replace keys of params.yaml."""
    write_yaml(folder / "params.yaml", {**read_yaml(folder / "params.yaml"), **values})


def change_prompt(folder: Path, name: str, **values: Any) -> None:
    """Replace keys of a prompt."""
    path = folder / "prompts" / f"{name}.yaml"
    write_yaml(path, {**read_yaml(path), **values})
