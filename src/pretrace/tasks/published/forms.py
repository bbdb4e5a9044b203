"""Rows of published objects: what one line of a file, or one row of the Hub's copy, holds of a task.

Each function takes an object and yields plain rows, whose columns the ready tasks name; an object of another form
raises `KeyError`, `TypeError` or `ValueError`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from typing import Any

Rows = Iterator[dict[str, Any]]
PLACEHOLDER, HIGHLIGHT = "@placeholder", re.compile(r"\s*@highlight\s*")


def arc_rows(row: dict[str, Any]) -> Rows:
    """Yield a question with its choices and the letter of the right one: ARC, OpenBookQA and CommonsenseQA.

    The publisher has the choices in the question, each with its text and label; the Hub has lists of both.
    """
    published = isinstance(row["question"], dict)
    question = row["question"]["stem"] if published else row["question"]
    choices = row["question"]["choices"] if published else row["choices"]
    if isinstance(choices, dict):
        texts, labels = list(choices["text"]), list(choices["label"])
    else:
        texts, labels = [one["text"] for one in choices], [one["label"] for one in choices]
    letter = string.ascii_uppercase[labels.index(row["answerKey"])]  # some of ARC's labels are 1 to 4
    yield {"question": question, "choices": texts, "answer": letter}


def openbookqa_rows(row: dict[str, Any]) -> Rows:
    """Yield the row of a question of OpenBookQA, which the Hub's copy calls by another name."""
    return arc_rows({"question": row["question_stem"], **row} if "question_stem" in row else row)


def multirc_rows(row: dict[str, Any]) -> Rows:
    """Yield a row for each answer to a question on a passage; of the Hub's copy an object is one already."""
    if "passage" not in row:
        yield {name: row[other] for name, other in MULTIRC_ON_THE_HUB.items()}
        return
    for question in row["passage"]["questions"]:
        for answer in question["answers"]:
            of_both = {"passage": row["passage"]["text"], "question": question["question"]}
            yield {**of_both, "answer": answer["text"], "label": answer["label"]}


MULTIRC_ON_THE_HUB = {"passage": "paragraph", "question": "question", "answer": "answer", "label": "label"}


def record_rows(row: dict[str, Any]) -> Rows:
    """Yield a row for each query on a passage: its choices are the query with each of the passage's names in it.

    Of several right names the first is a choice and the others are none, so that exactly one choice is right.
    """
    passage = row["passage"]
    if isinstance(passage, dict):
        text = passage["text"]
        names = [text[one["start"] : one["end"] + 1] for one in passage["entities"]]
        queries = [(one["query"], [answer["text"] for answer in one["answers"]]) for one in row["qas"]]
    else:
        text, names, queries = passage, list(row["entities"]), [(row["query"], list(row["answers"]))]
    for query, answers in queries:
        others = set(answers[1:]) - {answers[0]}
        choices = [name for name in dict.fromkeys([*names, answers[0]]) if name not in others]
        yield {
            "passage": HIGHLIGHT.sub("\n- ", text),
            "choices": [query.replace(PLACEHOLDER, name) for name in choices],
            "answer": choices.index(answers[0]),
        }


def wsc_rows(row: dict[str, Any]) -> Rows:
    """Yield a passage with the pronoun between asterisks, and the noun that it may stand for."""
    spans = row.get("target") or row
    passage = with_pronoun_marked(row["text"], spans["span2_text"], int(spans["span2_index"]))
    yield {"passage": passage, "noun": spans["span1_text"], "label": row["label"]}


def with_pronoun_marked(text: str, pronoun: str, index: int) -> str:
    """Return a text with the pronoun between asterisks: of its places the one nearest to a word, counted from 0.

    Some indices of the published rows are off by a few words. A text that does not have the pronoun stays as it is.
    """
    starts = [match.start() for match in re.finditer(r"\S+", text)]
    wanted = starts[min(index, len(starts) - 1)] if starts else 0
    places = list(re.finditer(rf"(?<!\w){re.escape(pronoun)}(?!\w)", text))
    if not places:
        return text
    best = min(places, key=lambda place: abs(place.start() - wanted))
    return f"{text[: best.start()]}*{best.group()}*{text[best.end() :]}"


def same_row(row: dict[str, Any]) -> Rows:
    """Yield an object that is a plain row already."""
    yield row


ObjectRows = Callable[[dict[str, Any]], Rows]
