"""Templates: what they accept, and that nothing in them is run or looked up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.settings.prompts.template import Template

FIELDS = ("text", "answer")


def written(template: Template) -> str:
    return "".join(literal + (f"<{field}>" if field else "") for literal, field in template.parts)


def test_template_is_text_and_fields() -> None:
    template = Template.parse("{{a}} {text}\nso {answer}{text}.", FIELDS)
    assert written(template) == "{a} <text>\nso <answer><text>."
    assert template.fields == {"text", "answer"}
    assert Template.parse("", FIELDS).parts == ()


@pytest.mark.parametrize(
    "text",
    [
        *("{txet}", "{}", "{0}", "{text.__class__}", "{text[0]}", "{text!r}", "{text:>10}", "{text:{answer}}"),
        *("{ text}", "{text }", "{text\n}", "{answer.__init__.__globals__}", "{Text}", "{*}"),
    ],
)
def test_other_fields_and_formats_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no such field: .*; takes \{text\}, \{answer\}"):
        Template.parse(text, FIELDS)


@pytest.mark.parametrize("text", ["{text", "text}", "{", "a } b", "{text!}"])
def test_brace_without_its_partner_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"written twice|no such field"):
        Template.parse(text, FIELDS)


@given(st.text())
def test_any_text_is_a_template_of_known_fields_or_refused(text: str) -> None:
    try:
        template = Template.parse(text, FIELDS)
    except ValueError as error:
        assert "takes {text}, {answer}" in str(error) or "written twice" in str(error)
    else:
        assert template.fields <= set(FIELDS)


@given(st.text())
def test_escaped_text_stays_as_it_is(text: str) -> None:
    assert written(Template.parse(text.replace("{", "{{").replace("}", "}}"), FIELDS)) == text
