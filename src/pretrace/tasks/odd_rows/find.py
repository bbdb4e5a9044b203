"""Signs of something wrong in the rows of a task's files, before any is cleaned or left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pretrace.common.errors import PretraceError
from pretrace.corpus.readers.tables.table import Table
from pretrace.settings import Task
from pretrace.tasks.odd_rows.classes import class_warnings
from pretrace.tasks.odd_rows.lines import check_no_names, line_warnings
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tasks.rows.labels import class_name, is_skipped


def odd_rows(name: str, task: Task, tables: Mapping[str, Table]) -> list[str]:
    """Return what looks wrong in the rows of each split, a sentence each.

    Raises:
        PretraceError: what nobody could mean: a line of names among the rows, or a class of its own for each row.
    """
    warnings = []
    for table in tables.values():
        check_no_names(table.columns, table.places, bool(task.column_names))
        warnings += line_warnings(table.file, table.lines)
    if not KINDS[task.kind].named:
        return warnings
    cells = tables["train"].cells(task.columns.label)
    rows = [(place, class_name(value, task)) for place, value in cells if not is_skipped(value, task)]
    return class_warnings(rows, task.columns.label, f"tasks.{name}") + warnings


def stop_on_warning(name: str, task: Task, warnings: Sequence[str]) -> None:
    """Raise `PretraceError` for the first warning if the task's `on_warning` is "stop"."""
    if warnings and task.on_warning == "stop":
        more = f" (and {len(warnings) - 1} more)" * (len(warnings) > 1)
        raise PretraceError(f"tasks.{name}: {warnings[0]}{more}; mend it, or set tasks.{name}.on_warning: say")


def sizes(tables: Mapping[str, Table]) -> list[str]:
    """Return the rows of each file, with its lines if it has lines: `train.csv: 24 lines, 23 rows`."""
    lines = {file: f"{last:,} lines, " for file, last in _last_lines(tables).items()}
    return [f"{table.file}: {lines.get(table.file, '')}{len(table):,} rows" for table in tables.values()]


def _last_lines(tables: Mapping[str, Table]) -> dict[str, int]:
    return {table.file: table.lines[-1][1] for table in tables.values() if table.lines}
