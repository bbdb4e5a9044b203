"""Rows that are lines of names, and rows over many lines."""

from __future__ import annotations

import pytest

from pretrace.common.errors import PretraceError
from pretrace.tasks.odd_rows.lines import check_no_names, line_warnings


def lines(*sizes: int) -> list[tuple[int, int]]:
    spans, at = [], 2
    for size in sizes:
        spans.append((at, at + size - 1))
        at += size
    return spans


def test_line_of_names_among_rows_is_refused() -> None:
    columns = {"text": ["x", "text ", "y"], "label": ["good", "label", "label"]}
    places = [f"a.csv: row {number}" for number in (1, 2, 3)]
    with pytest.raises(PretraceError, match=r"a\.csv: row 2: is a line of names \('text', 'label'\), no row; take it"):
        check_no_names(columns, places, column_names=False)
    columns["text"][1] = "other"
    check_no_names(columns, places, column_names=False)
    check_no_names({"text": ["text"]}, places[:1], column_names=False)  # one word alone may be a text


def test_first_line_of_names_beside_column_names_has_its_own_advice() -> None:
    with pytest.raises(PretraceError, match=r"row 1: is a line of names .* take out `column_names`"):
        check_no_names({"text": ["text"], "label": ["label"]}, ["a.tsv: row 1"], column_names=True)


def test_rare_row_over_many_lines_is_named() -> None:
    (said,) = line_warnings("a.csv", lines(1, 1, 7, *[1] * 30))
    assert said == (
        "a.csv: 1 of 33 rows run over more than 4 lines, and nearly all others over one: row 3 (lines 4 to 10): is a "
        "quote not closed?"
    )


@pytest.mark.parametrize("sizes", [[1] * 30, [1, 4, *[1] * 28], [7] * 30, [1, 7] * 15, []])
def test_usual_lines_give_no_warning(sizes: list[int]) -> None:
    assert line_warnings("a.csv", lines(*sizes)) == []
