"""The arithmetic of docs/scale.md: what 1 TB of text and one node of eight H100 take, and where this design breaks.

    python benchmarks/scale.py        # writes the tables of docs/scale.md again

Rates and assumptions are in scale_parts/inputs.py, each with its source. A test compares the page with the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from scale_parts.inputs import Inputs
from scale_parts.limits import limits_table
from scale_parts.run import run_table
from scale_parts.stages import stages_table, training_table
from scale_parts.tables import number, table

from pretrace.common.files import write_text

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "scale.md"


def inputs_table(inputs: Inputs) -> str:
    """Return the rates and assumptions with their sources."""
    rows = [[one.meaning, f"{number(one.value)} {one.unit}", one.source] for one in inputs.all()]
    return table(["", "value", "source"], rows)


TABLES: dict[str, Callable[[Inputs], str]] = {
    "run": lambda _: run_table(ROOT),
    "stages": stages_table,
    "training": training_table,
    "limits": limits_table,
    "inputs": inputs_table,
}
"""By their names in the page."""


def marked(name: str, text: str = "") -> tuple[str, str]:
    """Return the marks around a table in the page."""
    return f"<!-- {name}: made by `python benchmarks/scale.py`; changes here are lost -->", f"<!-- /{name} -->"


def filled(page: str, name: str, text: str) -> str:
    """Return the page with a table in its place.

    Raises:
        ValueError: the page does not have its marks once each.
    """
    begin, end = marked(name)
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"docs/scale.md needs one line `{begin}` and after it one line `{end}`")
    pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
    return re.sub(pattern, lambda _: f"{begin}\n\n{text}\n\n{end}", page, flags=re.DOTALL)


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    for name, make in TABLES.items():
        page = filled(page, name, make(Inputs()))
    write_text(PAGE, page)
