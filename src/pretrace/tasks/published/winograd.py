"""The Winograd schemas as published: WSCollection.xml (Levesque et al. 2012; Davis's collection).

<collection>
  <schema>
    <text><txt1>The trophy does not fit in the suitcase because</txt1><pron>it</pron><txt2>is too big.</txt2></text>
    <answers><answer>the trophy</answer><answer>the suitcase</answer></answers>
    <correctAnswer>A.</correctAnswer>
  </schema>
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from pretrace.common.open_file import TABLE_BYTES, read_text

DECLARATION = re.compile(r"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
POSSESSIVE = {"his", "her", "its", "their", "my"}


def winograd_objects(place: str) -> Iterator[dict[str, Any]]:
    """Yield a row for each schema: a text with a blank for the pronoun, two nouns, and the letter of the right one.

    Raises:
        PretraceError: the file is missing.
        ValueError: it is not of this form, or it declares entities, which a file of rows has no need of.
    """
    content = read_text(place, TABLE_BYTES)
    if DECLARATION.search(content):
        raise ValueError("has a DOCTYPE or an ENTITY")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from None
    for schema in root.iter("schema"):
        before, pronoun, after = (_text(schema, f"text/{name}") for name in ("txt1", "pron", "txt2"))
        ending = "'s" if pronoun.lower() in POSSESSIVE else ""
        nouns = [_squeezed(answer.text) for answer in schema.findall("answers/answer")]
        yield {
            "sentence": f"{before} _ {after}",
            "choices": [noun + ending for noun in nouns],
            "answer": _text(schema, "correctAnswer").strip(". "),
        }


def _text(schema: ElementTree.Element, path: str) -> str:
    element = schema.find(path)
    if element is None:
        raise ValueError(f"a schema has no {path}")
    return _squeezed(element.text)


def _squeezed(text: str | None) -> str:
    return " ".join((text or "").split())
