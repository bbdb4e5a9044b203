"""Files of settings refuse values that DVC or Hydra would resolve, or could not write down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.settings import load_settings, read_yaml
from pretrace.settings.yaml_file import LONGEST_SENTENCE, parse_yaml
from tests.helpers import tiny_project as tiny


@pytest.mark.parametrize("text", ["${oc.env:HOME,none}", "a ${lr} b", r"\${x}", "${", "${.x}", "${oc.decode:x}"])
@pytest.mark.parametrize("where", ["value", "list", "key"])
def test_interpolation_is_refused_by_its_key(tmp_path: Path, text: str, where: str) -> None:
    inner: Any = {"value": text, "list": [1, [text]], "key": {text: 1}}[where]
    tiny.save(tmp_path / "x.yaml", {"lr": 1, "suites": {"glue": inner}})
    with pytest.raises(PretraceError, match=r"x\.yaml: suites\.glue(\.1\.0)?: contains `\$\{`.*on the command line"):
        read_yaml(tmp_path / "x.yaml")
    assert read_yaml(tmp_path / "x.yaml", interpolations=True)


def test_interpolation_is_refused_in_settings(project: Path) -> None:
    tiny.change_params(project, suites={"s": {"t": {"kind": "${oc.env:HOME}"}}})
    with pytest.raises(PretraceError, match=r"params.yaml: suites\.s\.t\.kind: contains"):
        load_settings()


def test_dollar_and_brace_apart_are_text(tmp_path: Path) -> None:
    assert parse_yaml("a: '$5 {x} $ {y}'", "x")["a"] == "$5 {x} $ {y}"


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1),
    st.integers(0, 200),
)
def test_key_that_is_accepted_can_be_kept_in_dvc_lock(word: str, length: int) -> None:
    """As deep as a label is there at most: stages, stage, params, file, `tasks`, task, `labels`."""
    from dvc.utils.serialize._yaml import dumps_yaml, loads_yaml

    key = ((word + " ") * 200)[:length].strip() or word
    labels = {"stages": {"evaluation": {"params": {"params.yaml": {"tasks": {"source": {"labels": {key: "x"}}}}}}}}
    try:
        parse_yaml(dumps_yaml({"labels": {key: "x"}}), "x", interpolations=True)
    except PretraceError as error:
        assert len(key) > LONGEST_SENTENCE and " " in key, error
        return
    assert loads_yaml(dumps_yaml(labels)) == labels


def test_long_key_is_refused_with_advice(project: Path) -> None:
    labels = {"a sentence that says all that there is to be said of a class of rows": "x"}
    tiny.change_params(project, tasks={"t": {"kind": "classification", "probe": "source", "labels": labels}})
    with pytest.raises(PretraceError, match=r"tasks\.t\.labels: a key of 68 characters with spaces.*leave it out"):
        load_settings()
