"""Settings of generation: each out of its range is one line."""

from __future__ import annotations

from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings.models.generation import GenerationSettings
from pretrace.settings.section import checked


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"top_p": 0.0}, "top_p: got 0.0; input should be greater than 0"),
        ({"top_p": 1.1}, "top_p: got 1.1; input should be less than or equal to 1"),
        ({"temperature": -1.0}, "temperature: got -1.0"),
        ({"temperature": 1e-5}, "`temperature` takes 0, or a number from 0.001 to 1000"),
        ({"top_k": 0}, "top_k: got 0"),
        ({"tokens": 0}, "tokens: got 0"),
        ({"stop": [""]}, "stop.0: got ''"),
        ({"beams": 0}, "beams: got 0"),
        ({"length_penalty": 0.6}, "`length_penalty` is for `beams` of 2 or more"),
    ],
)
def test_out_of_range_is_one_line(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(PretraceError) as error:
        checked(GenerationSettings, wrong, "prompts/rte.yaml")
    assert str(error.value).startswith(f"prompts/rte.yaml: {words}") and "\n" not in str(error.value)
