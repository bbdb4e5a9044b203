"""Task kinds: the facts of each, and no comparison with a kind's name outside of the kinds themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from pretrace.settings import Columns
from pretrace.settings.kinds import KIND_FACTS, Kind
from pretrace.tasks.rows.dataset import Row, choices_there, with_empty_choices
from pretrace.tasks.rows.input_formats import InputFormat
from pretrace.tasks.rows.kinds import KINDS
from tests.helpers import REPOSITORY

FORM = InputFormat.delimiters(20, 16)

FACTS = {  # fields, sequences of three parts, outputs for two class names, default metric
    "classification": ("'text'", 1, 2, "accuracy"),
    "entailment": ("'first' and 'second'", 1, 2, "accuracy"),
    "similarity": ("'first' and 'second'", 2, 2, "accuracy"),
    "regression": ("'first' and 'second'", 2, 1, "pearson"),
    "multiple_choice": ("'first' and 'choices'", 2, 1, "accuracy"),
}
every_kind = pytest.mark.parametrize("name", KINDS)


def test_kinds_are_those_of_the_settings() -> None:
    assert list(KINDS) == list(KIND_FACTS) == list(get_args(Kind)) == list(FACTS)


@every_kind
def test_kind_has_its_facts(name: str) -> None:
    kind = KINDS[name]
    classes = ["no", "yes"] if kind.named else None
    assert (
        kind.fields(Columns()).describe(),
        kind.sequences_per_example(3, FORM),
        kind.outputs(classes, {}),
        kind.default_metric,
    ) == FACTS[name]
    assert kind.default_metric in kind.metrics
    assert kind.symmetric == (kind.row_key(("b", "a")) == kind.row_key(("a", "b")))
    assert kind.numeric == (kind.label_type is np.float32)
    assert kind.format and kind.layout


@every_kind
def test_kind_turns_logits_into_predictions(name: str) -> None:
    kind = KINDS[name]
    count = 3 if kind.chooses else 2
    states = torch.randn(4, kind.sequences_per_example(count + 1, FORM), 6, generator=torch.Generator().manual_seed(0))
    outputs = 1 if kind.chooses or kind.numeric else count
    logits = kind.logits(kind.combine(states)[:, :, :outputs])
    assert logits.shape == (4, 1 if kind.numeric else count)
    predictions, probabilities = kind.predictions(logits), kind.probabilities(logits)
    if kind.numeric:
        assert probabilities is None and predictions.is_floating_point()
        assert float(kind.loss(logits, predictions)) == 0
    else:
        assert probabilities is not None and torch.equal(probabilities.argmax(1), predictions)
        torch.testing.assert_close(kind.loss(logits, predictions), -probabilities.max(1).values.log().mean())


def test_predictions_are_readable() -> None:
    shown = {name: kind.readable(1.00004, ["no", "yes"] if kind.named else None) for name, kind in KINDS.items()}
    named = dict.fromkeys(("classification", "entailment", "similarity"), "yes")
    assert shown == {**named, "regression": 1.0, "multiple_choice": 1}


def test_soft_classes_are_outputs_of_a_regression_only() -> None:
    assert {name: kind.outputs(["a"] * 3, {"soft_classes": 6}) for name, kind in KINDS.items()} == {
        **dict.fromkeys(("classification", "entailment", "similarity"), 3),
        **{"regression": 6, "multiple_choice": 1},
    }


def test_no_module_compares_the_name_of_a_kind() -> None:
    own = ("src/pretrace/settings/kinds.py", "src/pretrace/tasks/rows/kinds.py")
    files = [path for folder in ("src", "stages") for path in sorted((REPOSITORY / folder).rglob("*.py"))]
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}"
        for path in files
        if str(path.relative_to(REPOSITORY)) not in own
        for line in comparisons(path)
    ]
    assert len(files) > 100
    assert not found, "ask the kind instead (pretrace.tasks.rows.kinds, KINDS[name]):\n" + "\n".join(found)


def test_comparison_with_a_kind_is_detected(tmp_path: Path) -> None:
    lines = [
        'kind == "regression"',
        'kind in ("similarity", "regression")',
        '{"entailment": 1}.get(kind)',
        'kind = "regression"',
        '"text" == "classification of text"',
    ]
    (tmp_path / "module.py").write_text("\n".join(lines))
    assert list(comparisons(tmp_path / "module.py")) == [1, 2, 3]


def comparisons(path: Path) -> Iterator[int]:
    """Lines of a module that compare with the name of a kind, match it, or look it up in a dict."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Dict):
            parts = [key for key in node.keys if key]
        constants = (inner for part in parts for inner in ast.walk(part) if isinstance(inner, ast.Constant))
        if any(constant.value in KINDS for constant in constants if isinstance(constant.value, str)):
            yield node.lineno


def test_empty_choice_is_as_improbable_as_the_least_probable_one() -> None:
    given_EK = torch.tensor([[-1.0, -3.0, 0.0], [-1.0, -2.0, -3.0]])
    own_ESP, alone_EA = torch.stack([torch.full((2, 3), -9.0), given_EK], 2), given_EK - 1 * (given_EK != 0)
    found_ESL = KINDS["multiple_choice"].combine_likelihoods(own_ESP, alone_EA)
    assert found_ESL[..., 0].tolist() == [[-1, -3, -3], [-1, -2, -3]]
    assert found_ESL[..., 1].tolist() == [[-2, -4, -4], [-2, -3, -4]]


def test_rows_with_fewer_choices_have_empty_ones() -> None:
    row = with_empty_choices(Row(("x", "a", "b"), 1, "f:1", ("X", "A", "B")), 4)
    assert (row.parts, row.raw) == (("x", "a", "b", "", ""), ("X", "A", "B", "", ""))
    assert with_empty_choices(row, None) is row
    assert choices_there([row, Row(("x", "a", "", "c", ""), 0), Row(("x", "a", "b", "", ""), 3)]).tolist() == [
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],  # a published row whose right answer is empty
    ]
