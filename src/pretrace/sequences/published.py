"""Questions and answers in the JSON that their publishers offer: SQuAD, CoQA, TriviaQA, WebQuestions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import TABLE_BYTES, read_text
from pretrace.sequences.rows import SequenceRow
from pretrace.settings.sequences.task import SequenceTask

DESCRIPTION = re.compile(r'\(description (?:"([^"]*)"|([^()]*))\)')
"""An answer in WebQuestions' `targetValue`: `(list (description "Jazmyn Bieber") (description Jaxon))`."""


def _squad(content: Any) -> Iterator[tuple[str, str, list[str]]]:
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            for one in paragraph["qas"]:
                yield paragraph["context"], one["question"], [answer["text"] for answer in one["answers"]]


def _coqa(content: Any) -> Iterator[tuple[str, str, list[str]]]:
    """Earlier questions of a passage stand behind it with their answers, as GPT-2 and GPT-3 read them."""
    for story in content["data"]:
        before = [story["story"]]
        more = list(story.get("additional_answers", {}).values())
        for turn, (question, answer) in enumerate(zip(story["questions"], story["answers"], strict=True)):
            others = [answers[turn]["input_text"] for answers in more]
            yield "\n\n".join(before), question["input_text"], [answer["input_text"], *others]
            before.append(f"Q: {question['input_text']}\nA: {answer['input_text']}")


def _triviaqa(content: Any) -> Iterator[tuple[str, str, list[str]]]:
    for one in content["Data"]:
        yield "", one["Question"], [one["Answer"]["Value"], *one["Answer"]["Aliases"]]


def _webquestions(content: Any) -> Iterator[tuple[str, str, list[str]]]:
    for one in content:
        yield "", one["utterance"], [quoted or plain for quoted, plain in DESCRIPTION.findall(one["targetValue"])]


Parse = Callable[[Any], Iterator[tuple[str, str, list[str]]]]


def _rows(parse: Parse, name: str, task: SequenceTask, split: str, root: Path) -> list[SequenceRow]:
    """Return the rows of a file. Raises `PretraceError` if it is missing or of another form."""
    place = str(getattr(task, split))
    content = read_text(root / place, TABLE_BYTES, f"no such file; sequences.{name}.{split} in params.yaml names it")
    try:
        rows = [
            SequenceRow(str(source), tuple(map(str, answers)), str(context), f"{place}: row {number}")
            for number, (context, source, answers) in enumerate(parse(json.loads(content)), 1)
        ]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise PretraceError(
            f"{place}: not in the form that sequences.{name}.format: {task.format} reads ({type(error).__name__}: "
            f"{str(error)[:80]})"
        ) from None
    if not rows:
        raise PretraceError(f"{place}: has no rows")
    return rows


PUBLISHED = {
    "squad": partial(_rows, _squad),
    "coqa": partial(_rows, _coqa),
    "triviaqa": partial(_rows, _triviaqa),
    "webquestions": partial(_rows, _webquestions),
}
"""Reader of each form, with the arguments of `pretrace.sequences.tables.table_rows`."""
