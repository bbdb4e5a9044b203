"""Rows of a task from text to text: read from files or the Hub, or made by a rule, and divided into splits.

read_sequences("xsum", settings.sequences["xsum"]).splits["test"][0].targets
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.sequences.made.rows import made_rows
from pretrace.sequences.published import PUBLISHED
from pretrace.sequences.rows import SPLITS, SequenceData, SequenceRow
from pretrace.sequences.tables import hub_rows, line_rows, table_rows
from pretrace.settings.sequences.task import SequenceTask
from pretrace.tasks.rows.draws import generator_for

DEV_SHARE, TEST_SHARE = 0.1, 0.2
Read = Callable[[str, SequenceTask, str, Path], list[SequenceRow]]
FORMATS: dict[str, Read] = {"table": table_rows, "lines": line_rows, **PUBLISHED}


def read_sequences(name: str, task: SequenceTask, root: Path | str = ".") -> SequenceData:
    """Return the rows of a task that is no probe.

    Args:
        name: of the task, a part of every draw.
        root: folder that paths are from.

    Raises:
        PretraceError: a file, column or value is missing or unusable.
    """
    root = Path(root)
    if task.made is not None:
        splits = made_rows(name, task, root)
    else:
        read = hub_rows if task.dataset else FORMATS[task.format]
        splits = {split: read(name, task, split, root) for split in SPLITS if getattr(task, split)}
    _cut(name, splits)
    limits = {"train": task.train_rows, "dev": task.test_rows, "test": task.test_rows}
    data = SequenceData()
    for split in SPLITS:
        rows = [_with_answer(row, task.no_answer) for row in splits.get(split, [])]
        kept = [row for row in rows if row.source.strip() or row.context.strip()]
        if split == "test" and not kept:
            raise PretraceError(f"params.yaml: sequences.{name}: no test row is left; a row needs a source")
        data.splits[split] = _sample(name, split, kept, limits[split])
        if len(kept) < len(rows):
            data.details.setdefault("empty_source", {})[split] = len(rows) - len(kept)
    return data


def _cut(name: str, splits: dict[str, list[SequenceRow]]) -> None:
    """Draw the splits that are missing from others; rows with the same source stay together."""
    if not splits.get("test"):
        splits["train"], splits["test"] = _divided(name, "test", splits["train"], TEST_SHARE)
    if not splits.get("dev"):
        larger = "train" if splits.get("train") else "test"
        splits[larger], splits["dev"] = _divided(name, "dev", splits[larger], DEV_SHARE)


def _divided(
    name: str, split: str, rows: list[SequenceRow], share: float
) -> tuple[list[SequenceRow], list[SequenceRow]]:
    keys = list(dict.fromkeys((row.source, row.context) for row in rows))
    if len(keys) < 2:
        raise PretraceError(
            f"params.yaml: sequences.{name}: {len(rows)} row is too few for {split} rows that are cut from it"
        )
    order = generator_for("sequences", name, split).permutation(len(keys))
    drawn = {keys[index] for index in order[: max(1, int(share * len(keys)))]}
    kept: list[SequenceRow] = []
    cut: list[SequenceRow] = []
    for row in rows:
        (cut if (row.source, row.context) in drawn else kept).append(row)
    return kept, cut


def _sample(name: str, split: str, rows: list[SequenceRow], limit: int | None) -> list[SequenceRow]:
    if limit is None or limit >= len(rows):
        return rows
    order = generator_for("sequences", name, split, "sample").permutation(len(rows))[:limit]
    return [rows[index] for index in sorted(order)]


def _with_answer(row: SequenceRow, no_answer: str) -> SequenceRow:
    """Return a row with its accepted answers, each once; a row without any has the text for that."""
    answers: Iterable[str] = dict.fromkeys(text for text in row.targets if text.strip())
    return replace(row, targets=tuple(answers) or (no_answer,))
