"""The figures of docs/audit.md are those of the run that it names."""

from __future__ import annotations

import pytest

from tests.helpers.audit_page import DIFFERENCE, FIGURE, PAGE, RULE, refreshed, run_of, this_run

TEXT = PAGE.read_text(encoding="utf-8")


def test_figures_are_those_of_the_run() -> None:
    if run_of(TEXT) != this_run():
        pytest.skip("reports/ is of another run than the page; python -m tests.helpers.audit_page writes its figures")
    for own, right in zip(TEXT.splitlines(), refreshed(TEXT).splitlines(), strict=True):
        assert own == right


def test_every_finding_has_a_figure_or_says_what_changed() -> None:
    headings = [line.split()[1].rstrip(".") for line in TEXT.splitlines() if line.startswith("## ")]
    assert headings[:-1] == ["1", "1b", *map(str, range(2, 12))]
    assert len(FIGURE.findall(TEXT)) > 20 and len(DIFFERENCE.findall(TEXT)) > 4 and len(RULE.findall(TEXT)) > 5


def test_refreshed_page_has_the_numbers_of_the_reports() -> None:
    old = "`cloze/full` -0.1; `full-scratch` +99.0 ± 0.1; SHA-256 of benchmark.json: 0123456789abcdef"
    new = refreshed(old)
    assert new != old and refreshed(new) == new
    assert new.endswith(this_run())
