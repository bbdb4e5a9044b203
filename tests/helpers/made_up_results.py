"""What the stages before the report would write, with made-up numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretrace.schemas.finetuning import FinetuneFacts

SYSTEM = "gpt1"
"""The only system, or the first."""
HOSTILE = "<script>alert('x')</script> | **a** $\\frac{$ {{ 7 * 7 }}\n\n| b"
SCORES = {
    ("source", "full"): [0.50, 0.51, 0.49],
    ("source", "scratch"): [0.20, 0.26, 0.23],
    ("follows", "full"): [0.52, 0.50, 0.51],
    ("follows", "scratch"): [0.50, 0.51, 0.50],
}
BASELINES = {"source": (0.1, 0.45), "follows": (0.5, 0.8)}
ROWS = 1000
KINDS = {"source": "classification", "follows": "entailment"}


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def result(task: str, variant: str, **changes: Any) -> dict[str, Any]:
    scores = SCORES[task, variant]
    return {
        "task": task,
        "kind": KINDS[task],
        "variant": variant,
        "metric": "accuracy",
        "score": sorted(scores)[1],
        "scores": scores,
        "stderr": 0.015,
        "dev_scores": scores,
        "best_epochs": [2, 2, 2],
        "best_seed": 0,
        "cut": {"train": 0, "dev": 0, "test": 0},
        "tokens": 4_000_000,
        "flops": 1_500_000_000_000,
        "n_train": 3000,
        "n_dev": 500,
        "n_eval": ROWS,
        "seeds": [0, 1, 2],
        "lr": 1e-3,
        "epochs": 2,
        "lm_weight": 0.5,
        "unavailable": None,
        **changes,
    }


def finetune_facts(**changes: Any) -> dict[str, Any]:
    """The unavailable.json in the place of a fine-tuned model."""
    values = result("source", "full", **changes)
    return {key: values[key] for key in FinetuneFacts.model_fields}


def write_table(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False)


def task(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "kind": KINDS[name],
        "metric": "accuracy",
        "unavailable": None,
        "labels": ["no", "yes"],
        "n_train": 3000,
        "n_dev": 500,
        "n_test": ROWS,
        "examples": [{"parts": [HOSTILE, "a second part"], "label": HOSTILE}],
        **changes,
    }


def baselines(name: str, **changes: Any) -> dict[str, Any]:
    """What `baselines` reports on a task."""
    scores = zip(("majority", "tfidf"), BASELINES[name], strict=True)
    return {"unavailable": None, "baselines": {key: {"score": s, "stderr": 0.015} for key, s in scores}, **changes}


def finetuned_config(
    labels: list[str] | None, kind: str = "classification", outputs: int = 2, **changes: Any
) -> dict[str, Any]:
    """The config.json of a fine-tuned model."""
    model = {"kind": "transformer", "vocabulary_size": 40, "context": 16, "settings": {}}
    recipe = {"optimizer": "adamw", "weight_decay": 0.01, "beta1": 0.9, "beta2": 0.999, "clip_norm": 1.0}
    recipe |= {"lr": 1e-3, "epochs": 2, "batch_size": 4, "warmup_share": 0.1, "lm_weight": 0.5, "dropout": 0.0}
    recipe |= {"precision": "float32", "kind": kind, "metric": "accuracy", "outputs": outputs}
    return {
        **task_record(labels=labels, kind=kind),
        "seed": 1,
        "recipe": recipe,
        "model": model,
        "label_scale": {"mean": 0.0, "spread": 1.0},
        **changes,
    }


def pretrain_report(steps: int = 300) -> dict[str, Any]:
    """What `pretrain` reports of a transformer."""
    losses = {"val_loss": 4.2, "val_perplexity": 66.7, "val_bits_per_byte": 1.7}
    sizes = {"parameters": 2_570_000, "tokens": 4_096_000, "flops": 63_000_000_000_000}
    mix = {HOSTILE: {"tokens": 5_000, "weight": 0.25, "epochs": 3.5}}
    return {**losses, **sizes, "steps": steps, "mix": mix}


def task_record(**changes: Any) -> dict[str, Any]:
    """The task.json of a task with two classes."""
    record = {
        "kind": "classification",
        "metric": "accuracy",
        "labels": ["no", "yes"],
        "unavailable": None,
        "rows": {"train": 3000, "dev": 500, "test": ROWS},
        "details": {},
        "overrides": {},
        "zero_shot": [],
        "card": None,
        "columns": {},
    }
    return record | changes


def clean_details(**changes: Any) -> dict[str, Any]:
    """What `clean` reports beyond the numbers by split and source."""
    example = {"id": HOSTILE, "source": HOSTILE, "value": 0.875, "detail": HOSTILE}
    return {
        "lengths": [{"from": 512, "below": 1024, "documents": 7}, {"from": 1024, "below": 2048, "documents": 23}],
        "frequent_words": [["the", 1234], [HOSTILE, 56]],
        "left_out_by_source": {HOSTILE: {"repeated": 9}, "networkx": {"empty": 1}},
        "examples": {"repeated": [example], "boilerplate (cut)": [example], "empty": [{**example, "value": 0}]},
        "cut": {"boilerplate": {"documents": 3, "lines": 4, "words": 50}},
        "near_duplicate_groups": {"groups": 2, "documents": 5},
        "evaluation_texts": {"looked_for": 408, "too_short": 17},
        "contamination": {"mrpc": {"documents": 2, "rows": 6}},
        "classifier": {
            "positives": 90,
            "negatives": 180,
            "held_out": 30,
            "accuracy": 0.9375,
            "files": [{"path": HOSTILE, "sha256": "0" * 64, "bytes": 5, "revision": None}],
            "sources": {HOSTILE: {"documents": 12, "kept": 5, "mean_score": 0.25}},
        },
        **changes,
    }


def right_on(share: float, seed: int) -> np.ndarray:
    """Predictions for rows whose label is 1 everywhere, of which this share is right."""
    predictions = np.zeros(ROWS, int)
    predictions[np.random.default_rng(seed).permutation(ROWS)[: round(share * ROWS)]] = 1
    return predictions


def write_task_predictions(data: Path, name: str) -> None:
    """The files with a task's test rows and the predictions for them."""
    folder = data / "tasks" / name
    folder.mkdir(parents=True)
    parts = [[f"{HOSTILE} row {i}", "a second part"] for i in range(ROWS)]
    columns = {"parts": parts, "label": np.ones(ROWS, int), "origin": [f"{name} {i}" for i in range(ROWS)]}
    pd.DataFrame(columns).to_parquet(folder / "test.parquet")
    majority, tfidf = BASELINES[name]
    columns = {"majority": right_on(majority, 8), "tfidf": right_on(tfidf, 9)}
    write_table(data / "frozen" / f"{name}-{SYSTEM}.parquet", pd.DataFrame())
    write_table(data / "baselines" / f"{name}.parquet", pd.DataFrame(columns))
    (data / "predictions").mkdir(exist_ok=True)
    for cell, variant in SCORES:
        if cell == name:
            write_predictions(data, name, variant, [right_on(s, seed) for seed, s in enumerate(SCORES[cell, variant])])


def write_zero_shot(folder: Path, system: str = SYSTEM) -> None:
    """Results of the stage `zeroshot` of a system: of half of the rows of `source`, and of a language test."""
    score = {"heuristic": "choice", "metric": "accuracy", "score": 0.4, "stderr": 0.02, "chance": 0.1, "n": 500}
    score |= {
        "cut": 0,
        "threshold": None,
        "n_dev": 0,
        "updates": [{"step": 1, "score": 0.1}, {"step": 300, "score": 0.4}],
    }
    last_word = {"protocol": f"last word {HOSTILE}", "accuracy": 0.1234, "perplexity": 1234.5, "n": 5153}
    tasks = {"source": {"lm_zero_shot": {"transformer": score}}}
    tests = {"lambada": {"transformer": last_word}}
    write(folder / "zeroshot" / f"{system}.json", {"tasks": tasks, "language_tests": tests})
    predictions = pd.DataFrame({"row": np.arange(0, ROWS, 2), "lm_zero_shot": right_on(0.4, 5)[:500]})
    write_table(folder.parent / "data" / "zeroshot" / system / "source.parquet", predictions)


def write_frozen(folder: Path, name: str, share: float, system: str = SYSTEM) -> None:
    """Results of the stage `frozen` of a system for a task, of which this share is right."""
    scores = {"transformer": {"score": share, "stderr": 0.015}}
    write(folder / "frozen" / f"{name}-{system}.json", {"unavailable": None, "scores": scores})
    predictions = pd.DataFrame({"transformer": right_on(share, 10)})
    write_table(folder.parent / "data" / "frozen" / f"{name}-{system}.parquet", predictions)


def write_predictions(data: Path, name: str, variant: str, predictions: list[np.ndarray]) -> None:
    """A cell's predictions, seed after seed; the lower the row's number, the more confident."""
    tables = []
    for seed, own in enumerate(predictions):
        confidence = np.linspace(0.9, 0.5, len(own))
        probabilities = [[c, 1 - c] if one == 0 else [1 - c, c] for c, one in zip(confidence, own, strict=True)]
        columns = {"row": np.arange(len(own)), "seed": seed, "prediction": own, "probabilities": probabilities}
        tables.append(pd.DataFrame(columns))
    pd.concat(tables).to_parquet(data / "predictions" / f"{name}-{variant}.parquet")


def write_results(folder: Path) -> None:
    """All files that the report reads, under `folder` and in `data` beside it."""
    for name, variant in SCORES:
        write(folder / "finetune" / f"{name}-{variant}.json", result(name, variant))
    for name in KINDS:
        write(folder / "tasks" / f"{name}.json", task(name))
        write(folder / "baselines" / f"{name}.json", baselines(name))
        write(folder / "frozen" / f"{name}-{SYSTEM}.json", {"unavailable": None, "scores": {}})
        write_task_predictions(folder.parent / "data", name)
    numbers = {
        split: {"documents": 10, "words": words, "bytes": 6 * words}
        for split, words in (("train", 700), ("validation", 50), ("probes", 250))
    }
    write(
        folder / "clean.json",
        {
            "documents_in": 40,
            "bytes_in": 9000,
            "words_in": 1100,
            "left_out": {"empty": 1, "repeated": 9},
            "distinct_words": 300,
            "splits": numbers,
            "sources": {HOSTILE: numbers, "networkx": numbers},
            **clean_details(),
        },
    )
    write_pretraining(folder)
    cost = {"seconds": 12.5, "peak_memory_bytes": 310_000_000}
    fast = {**cost, "tokens_per_second": 23_400.0, "mfu": 0.31, "device": "cpu"}
    write(folder / "cost.json", {"clean": cost, f"pretrain@{SYSTEM}": fast, "finetune@source-full": fast})


def write_pretraining(folder: Path, system: str = SYSTEM, **changes: Any) -> None:
    """Results of the stages of a system that are of no task: `bpe`, `pretrain` and, without any rule, `zeroshot`."""
    vocabulary = {"size": 400, "tokens_per_word": 1.2, "bytes_per_token": 4.3, "unknown_share": 0.0}
    write(folder / "bpe" / f"{system}.json", vocabulary)
    write(folder / "pretrain" / f"{system}.json", pretrain_report() | changes)
    write(folder / "samples" / f"{system}.json", [{"prompt": HOSTILE, "text": HOSTILE}])
    write(folder / "zeroshot" / f"{system}.json", {"tasks": {}, "language_tests": {}})
    rows = [{"step": step, "lr": 0.1, "loss": 4 + 5 * math.exp(-step / 60)} for step in range(1, 301)]
    curves = folder / "curves" / system
    write(curves / "transformer.json", rows)
    write(curves / "transformer-validation.json", [{"step": 150, "val_loss": 5.0}, {"step": 300, "val_loss": 4.5}])


def add_system(folder: Path, system: str) -> None:
    """All files of a further system, beside those of `write_results`: its own scores, and those of no fine-tuning."""
    write_pretraining(folder, system, val_loss=3.9)
    write_zero_shot(folder, system)
    for name in KINDS:
        write_frozen(folder, name, 0.6, system)
