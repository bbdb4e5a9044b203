"""The data sets that GPT-3 was scored on, in small: the files of their publishers, and the rows of the Hub's copies.

Each has six labeled rows a split; the text of row n of a split is "<split> <part> n".
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

from tests.helpers.published_files import ROWS, text

FILES = {
    "boolq": ("BoolQ/train.jsonl", "BoolQ/val.jsonl"),
    "cb": ("CB/train.jsonl", "CB/val.jsonl"),
    "copa": ("COPA/train.jsonl", "COPA/val.jsonl"),
    "wic": ("WiC/train.jsonl", "WiC/val.jsonl"),
    "multirc": ("MultiRC/train.jsonl", "MultiRC/val.jsonl"),
    "record": ("ReCoRD/train.jsonl", "ReCoRD/val.jsonl"),
    "wsc": ("WSC/train.jsonl", "WSC/val.jsonl"),
    "hellaswag": ("HellaSwag/hellaswag_train.jsonl", "HellaSwag/hellaswag_val.jsonl"),
    "winogrande": ("winogrande_1.1/train_xl.jsonl", "winogrande_1.1/dev.jsonl"),
    "piqa": ("physicaliqa-train-dev/train.jsonl", "physicaliqa-train-dev/dev.jsonl"),
    "commonsenseqa": ("CommonsenseQA/train_rand_split.jsonl", "CommonsenseQA/dev_rand_split.jsonl"),
    **{
        name: tuple(f"{folder}-{split}.jsonl" for split in ("Train", "Dev", "Test"))
        for name, folder in (
            ("arc_easy", "ARC-V1-Feb2018-2/ARC-Easy/ARC-Easy"),
            ("arc_challenge", "ARC-V1-Feb2018-2/ARC-Challenge/ARC-Challenge"),
        )
    },
    "openbookqa": tuple(f"OpenBookQA-V1-Sep2018/Data/Main/{split}.jsonl" for split in ("train", "dev", "test")),
}
"""Files of train, dev and, where it is scored, test."""
ON_THE_HUB = {
    ("aps/super_glue", "wsc.fixed"): "wsc",
    ("allenai/ai2_arc", "ARC-Easy"): "arc_easy",
    ("allenai/ai2_arc", "ARC-Challenge"): "arc_challenge",
    ("allenai/openbookqa", "main"): "openbookqa",
    ("allenai/winogrande", "winogrande_xl"): "winogrande",
    ("tau/commonsense_qa", None): "commonsenseqa",
    ("baber/piqa", None): "piqa",
    ("Rowan/hellaswag", None): "hellaswag",
    **{("aps/super_glue", name): name for name in ("boolq", "cb", "copa", "wic", "multirc", "record")},
}
"""Names by data set and configuration."""
CB = ["entailment", "contradiction", "neutral"]


def hub_row(name: str, split: str, number: int) -> dict[str, Any]:
    """Row of the Hub's copy."""
    a, b, c, d = (text(split, part, number) for part in "abcd")
    label = number % 2
    if name in ("arc_easy", "arc_challenge", "openbookqa", "commonsenseqa"):
        count = 3 + number % 3 if name.startswith("arc") else 5 if name == "commonsenseqa" else 4
        signs = "12345" if number == 1 else string.ascii_uppercase  # as a few questions of ARC have them
        choices = {"text": [f"{b} {sign}" for sign in "abcde"[:count]], "label": list(signs[:count])}
        question = {"question_stem" if name == "openbookqa" else "question": a}
        return {"id": f"{number}", **question, "choices": choices, "answerKey": signs[number % count]}
    if name == "multirc":
        passage = text(split, "passage", number // 3)
        return {"paragraph": passage, "question": f"{passage}?", "answer": a, "label": label}
    if name == "record":
        passage = f"{a} Ann met Bob and Cy .\n@highlight\nBob left\n@highlight\nAnn did not"
        answers = ["Bob", "Cy"] if label else ["Ann"]
        return {"passage": passage, "query": f"{b} saw @placeholder .", "entities": ENTITIES, "answers": answers}
    if name == "wsc":
        words = f"Mark told {a} about him, too."
        spans = {"span1_index": 0, "span1_text": "Mark", "span2_text": "him"}
        return {"text": words, **spans, "span2_index": words.split().index("him,"), "label": label}
    rows: dict[str, dict[str, Any]] = {
        "boolq": {"passage": a, "question": b, "label": label},
        "cb": {"premise": a, "hypothesis": b, "label": number % 3},
        "copa": {"premise": a, "choice1": b, "choice2": c, "question": "cause", "label": label},
        "wic": {"word": "word", "sentence1": a, "sentence2": b, "label": label},
        "hellaswag": {"ctx": a, "endings": [b, c, d, "none"], "label": str(number % 4)},
        "winogrande": {"sentence": f"{a} _ went .", "option1": b, "option2": c, "answer": str(1 + label)},
        "piqa": {"goal": a, "sol1": b, "sol2": c, "label": label},
    }
    return rows[name]


ENTITIES = ["Ann", "Bob", "Cy"]


def hub_rows(name: str, split: str) -> list[dict[str, Any]]:
    return [hub_row(name, split, number) for number in range(ROWS)]


def published_objects(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The objects of a publisher's file with the Hub's rows."""
    if name in ("arc_easy", "arc_challenge", "openbookqa", "commonsenseqa"):
        return [_question(row) for row in rows]
    if name == "multirc":
        return [_passage(rows[:3]), _passage(rows[3:])]
    if name == "record":
        return [_article(row) for row in rows]
    if name == "wsc":
        spans = ("span1_index", "span1_text", "span2_index", "span2_text")
        return [
            {"text": row["text"], "target": {key: row[key] for key in spans}, "label": bool(row["label"])}
            for row in rows
        ]
    if name in ("boolq", "wic"):
        return [{**row, "label": bool(row["label"])} for row in rows]
    if name == "cb":
        return [{**row, "label": CB[row["label"]]} for row in rows]
    if name == "hellaswag":
        return [{**row, "label": int(row["label"])} for row in rows]
    if name == "piqa":
        return [{key: value for key, value in row.items() if key != "label"} for row in rows]
    return rows


def _question(row: dict[str, Any]) -> dict[str, Any]:
    pairs = zip(row["choices"]["text"], row["choices"]["label"], strict=True)
    stem = row.get("question_stem") or row["question"]
    question = {"stem": stem, "choices": [{"text": one, "label": label} for one, label in pairs]}
    return {"id": row["id"], "question": question, "answerKey": row["answerKey"]}


def _passage(rows: list[dict[str, Any]]) -> dict[str, Any]:
    answers = [{"text": row["answer"], "label": row["label"], "idx": n} for n, row in enumerate(rows)]
    questions = [{"question": rows[0]["question"], "answers": answers, "idx": 0}]
    return {"idx": 0, "version": 1.1, "passage": {"text": rows[0]["paragraph"], "questions": questions}}


def _article(row: dict[str, Any]) -> dict[str, Any]:
    text_of = row["passage"]
    spans = [(text_of.index(f" {name} ") + 1, name) for name in row["entities"]]
    entities = [{"start": start, "end": start + len(name) - 1} for start, name in spans]
    answers = [{"start": 0, "end": 0, "text": answer} for answer in row["answers"]]
    passage = {"text": text_of, "entities": entities}
    return {"source": "Daily mail", "passage": passage, "qas": [{"query": row["query"], "answers": answers, "idx": 0}]}


def write_choices(folder: Path) -> None:
    """All files below `folder`, with the rows of `hub_rows`."""
    for name, files in FILES.items():
        for file, split in zip(files, ("train", "validation", "test"), strict=False):
            rows = hub_rows(name, split)
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(one) + "\n" for one in published_objects(name, rows)))
            if name == "piqa":
                labels = "".join(f"{row['label']}\n" for row in rows)
                path.with_name(f"{path.stem}-labels.lst").write_text(labels)
