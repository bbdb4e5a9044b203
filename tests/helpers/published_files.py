"""The published data sets in small: files with the names, columns and oddities of their publishers, and the Hub's rows.

Each has six labeled rows a split. The text of row n of a split is "<split> <part> n", so that what is read can be
told; the labels go round.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROWS = 6
NLI = ["entailment", "neutral", "contradiction"]
RTE = ["entailment", "not_entailment"]
LABELS = {
    "cola": ["unacceptable", "acceptable"],
    "sst2": ["negative", "positive"],
    "mrpc": ["not_equivalent", "equivalent"],
    "qqp": ["not_duplicate", "duplicate"],
    "mnli_m": NLI,
    "mnli_mm": NLI,
    "qnli": RTE,
    "rte": RTE,
    "snli": NLI,
    "scitail": ["entails", "neutral"],
}
"""Names by the Hub's numbers."""
PARTS = {"cola": 1, "sst2": 1, "race": 5, "story_cloze": 3}
HUB_COLUMNS = {
    "cola": ("sentence",),
    "sst2": ("sentence",),
    "mrpc": ("sentence1", "sentence2"),
    "stsb": ("sentence1", "sentence2"),
    "qqp": ("question1", "question2"),
    "mnli_m": ("premise", "hypothesis"),
    "mnli_mm": ("premise", "hypothesis"),
    "qnli": ("question", "sentence"),
    "rte": ("sentence1", "sentence2"),
    "snli": ("premise", "hypothesis"),
    "scitail": ("sentence1", "sentence2"),
}


def text(split: str, part: str, number: int) -> str:
    return f'{split} "{part} {number}'


def label(name: str, number: int) -> str:
    return LABELS[name][number % len(LABELS[name])]


def write_tsv(path: Path, names: list[str] | None, rows: list[list[Any]], bom: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(map(str, row)) for row in ([names] if names else []) + rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8-sig" if bom else "utf-8")


def pairs(split: str) -> list[list[str]]:
    return [[text(split, "a", number), text(split, "b", number)] for number in range(ROWS)]


def write_published(folder: Path) -> None:
    """All twelve below `folder`. The parts of the rows are those of the Hub's copies (`hub_rows`)."""
    for split, hub in (("train", "train"), ("dev", "validation")):
        rows = [["gj04", number % 2, "*" if number % 2 else "", row[0]] for number, row in enumerate(pairs(hub))]
        write_tsv(folder / "CoLA" / f"{split}.tsv", None, rows)
        rows = [[row[0], number % 2] for number, row in enumerate(pairs(hub))]
        write_tsv(folder / "SST-2" / f"{split}.tsv", ["sentence", "label"], rows)
        names = ["index", "genre", "filename", "year", "old_index", "source1", "source2", "sentence1", "sentence2"]
        rows = [[n, "g", "f", 2012, n, "s", "s", *row, f"{n * 0.9:.3f}"] for n, row in enumerate(pairs(hub))]
        write_tsv(folder / "STS-B" / f"{split}.tsv", [*names, "score"], rows)
        names = ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"]
        rows = [[n, 2 * n, 2 * n + 1, *row, n % 2] for n, row in enumerate(pairs(hub))]
        write_tsv(folder / "QQP" / f"{split}.tsv", names, [*rows, [9, 18, 19, "cut off"]])
        for task, columns in (("QNLI", ["question", "sentence"]), ("RTE", ["sentence1", "sentence2"])):
            rows = [[n, *row, label("rte", n)] for n, row in enumerate(pairs(hub))]
            write_tsv(folder / task / f"{split}.tsv", ["index", *columns, "label"], rows)
    for split, hub in (
        ("train", "train"),
        ("dev_matched", "validation_matched"),
        ("dev_mismatched", "validation_mismatched"),
    ):
        names = ["index", "promptID", "pairID", "genre", "sentence1", "sentence2", "label1", "gold_label"]
        rows = [[n, n, f"{n}e", "slate", *row, "neutral", label("mnli_m", n)] for n, row in enumerate(pairs(hub))]
        write_tsv(folder / "MNLI" / f"{split}.tsv", names, rows)
    names = ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"]
    for file, hub in (("train.tsv", "train"), ("dev.tsv", "validation"), ("msr_paraphrase_test.txt", "test")):
        rows = [[n % 2, 100 + n, 200 + n, *row] for n, row in enumerate(pairs(hub))]
        write_tsv(folder / "MRPC" / file, names, rows, bom=True)
    _write_unlabeled(folder)
    for split, hub in (("train", "train"), ("dev", "validation"), ("test", "test")):
        golds = [*(label("snli", n) for n in range(ROWS)), "-"]
        rows = [{"sentence1": a, "sentence2": b} for a, b in [*pairs(hub), ["nobody", "agrees"]]]
        path = folder / "snli_1.0" / f"snli_1.0_{split}.jsonl"
        path.parent.mkdir(exist_ok=True)
        lines = (json.dumps({"gold_label": gold, **row}) + "\n" for gold, row in zip(golds, rows, strict=True))
        path.write_text("".join(lines))
        rows = [[*row, label("scitail", n)] for n, row in enumerate(pairs(hub))]
        write_tsv(folder / "SciTailV1.1" / "tsv_format" / f"scitail_1.0_{split}.tsv", None, rows)
        _write_race(folder / "RACE" / split, hub)


def _write_unlabeled(folder: Path) -> None:
    for task, names in (
        ("CoLA", ["sentence"]),
        ("SST-2", ["sentence"]),
        ("STS-B", ["sentence1", "sentence2"]),
        ("QQP", ["question1", "question2"]),
        ("QNLI", ["question", "sentence"]),
        ("RTE", ["sentence1", "sentence2"]),
        ("MRPC", ["#1 String", "#2 String"]),
    ):
        rows = [[n, *row[: len(names)]] for n, row in enumerate(pairs("test"))]
        write_tsv(folder / task / "test.tsv", ["id" if task == "QQP" else "index", *names], rows)
    for word in ("matched", "mismatched"):
        rows = [[n, *row] for n, row in enumerate(pairs(f"test_{word}"))]
        write_tsv(folder / "MNLI" / f"test_{word}.tsv", ["index", "sentence1", "sentence2"], rows)


def _write_race(folder: Path, hub: str) -> None:
    """Two passages with three questions each, one of each school."""
    for school, first in (("high", 0), ("middle", 3)):
        (folder / school).mkdir(parents=True)
        rows = [race_row(hub, number) for number in range(first, first + 3)]
        passage = {
            "article": rows[0]["article"],
            "questions": [row["question"] for row in rows],
            "options": [row["options"] for row in rows],
            "answers": [row["answer"] for row in rows],
            "id": f"{school}1.txt",
        }
        (folder / school / "1.txt").write_text(json.dumps(passage))


def race_row(split: str, number: int) -> dict[str, Any]:
    return {
        "example_id": f"high{number // 3}.txt",
        "article": text(split, "article", number // 3),
        "question": text(split, "question", number),
        "options": [text(split, f"option {option}", number) for option in range(4)],
        "answer": "ABCD"[number % 4],
    }


def write_stories(folder: Path, count: int) -> list[int]:
    """Story Cloze's two files with so many stories each; returns the right endings of the first one, from 1."""
    names = ["InputStoryid", *(f"InputSentence{n}" for n in range(1, 5))]
    names += ["RandomFifthSentenceQuiz1", "RandomFifthSentenceQuiz2", "AnswerRightEnding"]
    folder.mkdir(parents=True, exist_ok=True)
    right = [1 + number % 2 for number in range(count)]
    for part, short in (("val", "val"), ("test", "test")):
        lines = [",".join(names)]
        for number in range(count):
            cells = [f"{part}-{number}", *(f'"{part} {number}, {s}."' for s in "abcd"), "one", "two", right[number]]
            lines.append(",".join(map(str, cells)))
        name = f"cloze_test_{part}__spring2016 - cloze_test_ALL_{short}.csv"
        (folder / name).write_text("\n".join(lines) + "\n")
    return right


def hub_rows(name: str, split: str) -> list[dict[str, Any]]:
    """A split of the Hub's copy: classes as numbers, -1 where there is no label."""
    if name == "race":
        return [race_row(split, number) for number in range(ROWS)]
    columns = HUB_COLUMNS[name]
    rows = []
    for number, row in enumerate(pairs(split)):
        answer: Any = number % len(LABELS[name]) if name in LABELS else round(number * 0.9, 3)
        if split.startswith("test") and name not in ("mrpc", "snli", "scitail"):
            answer = -1
        rows.append({**dict(zip(columns, row, strict=False)), "label": answer, "idx": number})
    if name == "scitail":
        return [{**row, "gold_label": label(name, row.pop("label"))} for row in rows]
    if name == "snli":
        return [*rows, {"premise": "nobody", "hypothesis": "agrees", "label": -1}]
    return rows
