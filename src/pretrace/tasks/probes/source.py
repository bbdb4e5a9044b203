"""The probe `source`: which source is a passage from?"""

from __future__ import annotations

from collections import Counter
from itertools import count

from pretrace.settings import ProbeSettings
from pretrace.tasks.probes.as_written import Drawn, row_of
from pretrace.tasks.probes.rows import shuffled, unique_passages
from pretrace.tasks.probes.texts import Text, chunks
from pretrace.tasks.rows.dataset import SPLITS, Row, TaskData

CLASSES = 10
"""Most sources in one probe: its classes."""
FEWEST_PER_CLASS = {"train": 4, "dev": 2, "test": 2}
"""Passages of a source in each split, below which it is left out."""
MASK = "_"


def source(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return passages labeled with their sources. The sources' names and words that only one uses are masked."""
    supply = {
        name: min(_chunk_count(texts[split], name, sizes.passage_words) / max(1, wanted[split]) for split in SPLITS)
        for name in sorted({text.source for text in texts["train"]})
    }
    names = sorted(sorted(supply, key=lambda name: (-supply[name], name))[:CLASSES])
    names = [
        name
        for name in names
        if all(_chunk_count(texts[s], name, sizes.passage_words) >= FEWEST_PER_CLASS[s] for s in SPLITS)
    ]
    task = TaskData("classification", "accuracy", names)
    if len(names) < 2:
        task.unavailable = f"needs two sources with several documents each; this corpus has {len(names)}"
        return task
    length, masked = sizes.passage_words, give_aways([text for split in SPLITS for text in texts[split]], names)
    task.details = {"masked_words": len(masked)}
    for split in SPLITS:
        rows_by_class = []
        for label, name in enumerate(names):
            rows: list[Row] = [
                row_of([Drawn([MASK if word in masked else word for word in chunk], text, start)], label)
                for text in texts[split]
                if text.source == name
                for start, chunk in zip(count(step=length), chunks(text, length), strict=False)
            ]
            rows_by_class.append(shuffled(unique_passages(rows), "source", split, name))
        each = min([len(rows) for rows in rows_by_class] + [wanted[split] // len(names)])
        task.splits[split] = shuffled([row for rows in rows_by_class for row in rows[:each]], "source", split)
    return task


def give_aways(texts: list[Text], names: list[str]) -> set[str]:
    """Return words that name a source, and words that are frequent in one source and hardly used by the others."""
    users: dict[str, Counter[str]] = {}
    for text in texts:
        for word in text.words:
            users.setdefault(word, Counter())[text.source] += 1
    own = {word for word, by in users.items() if by.total() >= 20 and max(by.values()) >= 0.95 * by.total()}
    parts = {part for name in names for part in name.lower().replace("-", " ").replace("_", " ").split()}
    return own | parts | {name.lower() for name in names}


def _chunk_count(texts: list[Text], source_name: str, length: int) -> int:
    return sum(len(text.words) // length for text in texts if text.source == source_name)
