"""`pretrace predict`: the answers of a fine-tuned model, and what is wrong with rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.files import write_json
from pretrace.tokens import train_vocabulary
from tests.helpers import made_up_results as made_up
from tests.helpers.new_rows import typed
from tests.helpers.small_run import LABELS, WORDS, refused, run


def test_predict_keeps_the_order_of_rows(repository: Path, capsys: Any, monkeypatch: Any) -> None:
    texts = [" ".join(WORDS[n : n + 1 + n % 5]) for n in range(12)]
    (repository / "rows.txt").write_text("\n".join(texts) + "\n")
    together = run(capsys, "predict", "topic-full", "rows.txt").splitlines()
    assert len(together) == len(texts)
    assert set(together) <= set(LABELS["topic"])
    assert len(set(together)) > 1, "all answers are the same, so the order is not tested"
    for text, answer in zip(texts, together, strict=True):
        monkeypatch.setattr("sys.stdin", typed(json.dumps({"text": text.upper()}).encode()))
        assert run(capsys, "predict", "topic-full").strip() == answer


def test_predict_chooses(repository: Path, capsys: Any) -> None:
    choices = ["the cat", "a mat", "went home", "to bed"]
    rows = [{"first": "it was", "choices": choices}, {"first": "it was", "choices": choices[::-1]}]
    (repository / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    first, second = map(int, run(capsys, "predict", "next-full", "rows.jsonl").split())
    assert choices[first] == choices[::-1][second]


@pytest.mark.parametrize(
    ("cell", "text", "said"),
    [
        ("pair-full", '{"first": "a"}', "no column 'second'; it has 'first'; the model takes 'first' and 'second'"),
        (
            "pair-full",
            '{"first": "a", "second": "b"}\n{"first": "a"}',
            "rows.jsonl: row 2: column 'second': text expected, got None",
        ),
        ("pair-full", "the cat", "rows.jsonl: row 1: not JSON"),
        ("topic-full", "the cat", "rows.jsonl: row 1: not JSON"),
        ("pair-full", "[1]", "rows.jsonl: row 1: "),
        ("topic-full", '\n{"text": 3}', "rows.jsonl: row 1: column 'text': text expected, got 3"),
        ("topic-full", '{"text": null}', "rows.jsonl: row 1: column 'text': text expected, got None"),
        ("topic-full", '{"text": "cut \\ud83d here"}', "row 1: column 'text': half of a surrogate pair at character 4"),
        ("topic-full", '\ufeff{"txt": "the cat"}', "no column 'text'; it has 'txt'"),
        ("next-full", '{"first": "a", "choices": ["b"]}', "row 1: has 1 choices; every row needs the same number"),
        ("next-full", '{"first": "a", "choices": ["b", 3]}', "row 1: column 'choices': text expected, got 3"),
        ("next-full", '{"first": "a", "choices": "b"}', "row 1: a list of choices expected, got 'b'"),
        (
            "next-full",
            '{"first": "a", "choices": ["b", "c"]}\n{"first": "a", "choices": ["b", "c", "d"]}',
            "rows.jsonl: row 2: has 3 choices, and the rows before have 2; every row needs the same number",
        ),
        ("topic-full", "\n", "rows.jsonl: has no rows"),
        ("topic-scratch", "the cat", "topic-scratch: not in models/finetuned, which has next-full, pair-full, topic-"),
        ("../pretrained/gpt1", "the cat", "not in models/finetuned, which has"),
        (".", "the cat", "not in models/finetuned, which has"),
    ],
)
def test_predict_names_what_is_wrong(repository: Path, capsys: Any, cell: str, text: str, said: str) -> None:
    (repository / "rows.jsonl").write_text(text)
    assert said in refused(capsys, "predict", cell, "rows.jsonl")


def test_predict_without_its_file(repository: Path, capsys: Any) -> None:
    assert "nowhere.jsonl: no such file" in refused(capsys, "predict", "topic-full", "nowhere.jsonl")


def test_predict_of_an_unavailable_probe(repository: Path, capsys: Any) -> None:
    facts = made_up.finetune_facts(unavailable="too few rows")
    write_json(repository / "models/finetuned/topic-full/unavailable.json", facts)
    (repository / "rows.txt").write_text("the cat")
    assert "there is no model: too few rows" in refused(capsys, "predict", "topic-full", "rows.txt")


def test_predict_needs_no_settings_and_no_rows_of_the_task(repository: Path, capsys: Any) -> None:
    (repository / "rows.txt").write_text("the cat")
    answer = run(capsys, "predict", "topic-full", "rows.txt")
    (repository / "params.yaml").write_text("no: settings")
    shutil.rmtree(repository / "scales")
    assert run(capsys, "predict", "topic-full", "rows.txt") == answer


def test_predict_with_another_vocabulary(repository: Path, capsys: Any) -> None:
    train_vocabulary(repository / "counts.tsv", repository / "models" / "vocabulary" / "gpt1", 66)
    (repository / "rows.txt").write_text("the cat")
    said = refused(capsys, "predict", "topic-full", "rows.txt")
    assert "models/vocabulary/gpt1: has 66 tokens, and models/finetuned/topic-full was made with 64" in said


def test_predict_reads_the_vocabulary_of_the_model_s_system(repository: Path, capsys: Any) -> None:
    (repository / "rows.txt").write_text("the cat")
    answer = run(capsys, "predict", "topic-full", "rows.txt")
    config = repository / "models/finetuned/topic-full/config.json"
    write_json(config, json.loads(config.read_text()) | {"system": "other"})
    assert "models/vocabulary/other: " in refused(capsys, "predict", "topic-full", "rows.txt")
    shutil.move("models/vocabulary/gpt1", "models/vocabulary/other")
    assert run(capsys, "predict", "topic-full", "rows.txt") == answer


def test_predict_names_columns_as_the_task_did(repository: Path, capsys: Any) -> None:
    config = repository / "models/finetuned/pair-full/config.json"
    note = json.loads(config.read_text())
    (repository / "rows.jsonl").write_text('{"one": "the cat", "other": "a mat"}')
    assert "no column 'first'; it has 'one', 'other'" in refused(capsys, "predict", "pair-full", "rows.jsonl")
    write_json(config, note | {"columns": {"first": "one", "second": "other"}})
    assert run(capsys, "predict", "pair-full", "rows.jsonl").strip() in ("one", "two")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("model", {"context": 8, "settings": {}}, "config.json: model.settings.layers: missing"),
        ("model", None, "config.json: model: missing, as in files of older versions"),
        ("label_scale", None, "config.json: label_scale: missing"),
    ],
)
def test_predict_with_a_damaged_config(repository: Path, capsys: Any, key: str, value: Any, said: str) -> None:
    config = repository / "models/finetuned/topic-full/config.json"
    note = json.loads(config.read_text())
    if value is None:
        del note[key]
    else:
        note[key] |= value
    write_json(config, note)
    (repository / "rows.txt").write_text("the cat")
    assert said in refused(capsys, "predict", "topic-full", "rows.txt")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "guessing"}, "config.json: kind: got 'guessing'; takes classification, entailment,"),
        ({"system": "../pretrained/gpt1/transformer"}, "config.json: system: got '../pretrained/gpt1/transformer'"),
        ({"labels": ["cats"]}, "config.json: has 1 labels, and recipe.outputs is 3"),
        ({"labels": None}, "config.json: has 0 labels, and recipe.outputs is 3"),
        ({"recipe": {"outputs": 10**9}}, "config.json: recipe.outputs: got 1000000000; input should be less"),
        ({"recipe": {"outputs": 10**6}, "labels": ["x"] * 10**6}, "more than 4.2 MB, which is too large"),
        ({"recipe": {"outputs": 4}, "labels": list("abcd")}, "tensor classifier.weight has shape (3, "),
    ],
)
def test_predict_with_a_config_of_another_model(
    repository: Path, capsys: Any, change: dict[str, Any], said: str
) -> None:
    config = repository / "models/finetuned/topic-full/config.json"
    note = json.loads(config.read_text())
    recipe = note["recipe"] | change.get("recipe", {})
    write_json(config, note | change | {"recipe": recipe})
    (repository / "rows.txt").write_text("the cat")
    assert said in refused(capsys, "predict", "topic-full", "rows.txt")
