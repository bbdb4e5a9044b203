"""docs/scale.md has the tables that benchmarks/scale.py makes, and every input has a source that is there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pretrace.pipeline.cost import COST_FILE
from pretrace.schemas.cost import CostEntry
from pretrace.schemas.record import read_record
from tests.helpers import REPOSITORY

PAGE = (REPOSITORY / "docs" / "scale.md").read_text(encoding="utf-8")


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    import scale

    return scale


@pytest.mark.parametrize("name", ["stages", "training", "limits", "inputs"])
def test_page_has_the_tables_of_the_script(scale: Any, name: str) -> None:
    text = scale.TABLES[name](scale.Inputs())
    assert scale.filled(PAGE, name, text) == PAGE, "run `python benchmarks/scale.py`"


def test_page_has_the_times_of_a_run(scale: Any) -> None:
    """Of the last one, unless stages have run since then; it has all stages in any case."""
    from scale_parts.run import commits_of

    costs = read_record(REPOSITORY / COST_FILE, dict[str, CostEntry])
    begin, end = scale.marked("run")
    shown = PAGE.split(begin)[1].split(end)[0]
    assert set(re.findall(r"^\| `(\w+)` \|", shown, re.MULTILINE)) == {name.partition("@")[0] for name in costs}
    if all(commit in shown for commit in commits_of([*costs.values()])):
        assert scale.filled(PAGE, "run", scale.TABLES["run"](scale.Inputs())) == PAGE, (
            "run `python benchmarks/scale.py`"
        )


def test_sources_of_inputs_exist(scale: Any) -> None:
    for one in scale.Inputs().all():
        for path in re.findall(r"(?:docs|reports|scales|src|benchmarks)/[\w/.-]+\.\w+", one.source):
            assert (REPOSITORY / path).exists(), one.source
        if log := re.fullmatch(r"docs/log\.md, ([\d-]+)", one.source):
            assert f"## {log[1]}: " in (REPOSITORY / "docs" / "log.md").read_text(encoding="utf-8")


def test_page_without_marks_is_refused(scale: Any) -> None:
    with pytest.raises(ValueError, match=r"^docs/scale.md needs one line"):
        scale.filled("# At scale\n", "run", "")


def test_twice_the_cores_do_not_help_where_one_process_is_slower(scale: Any) -> None:
    from dataclasses import replace

    from scale_parts.inputs import Input, Inputs, Node
    from scale_parts.stages import stages

    more = Inputs(node=replace(Node(), cores=Input(192, "cores", "of the node", "the test")))
    (before,), (after,) = ([one for one in stages(inputs) if one.name == "clean"] for inputs in (Inputs(), more))
    assert after.seconds == before.seconds
