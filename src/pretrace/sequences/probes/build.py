"""A probe from text to text, by its name.

Texts are GPT-1's words, a space apart, as in the other probes: every vocabulary can write them, so systems are compared
on the same texts.
"""

from __future__ import annotations

from collections.abc import Iterable

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, Gpt1Words
from pretrace.sequences.probes.describe import describe
from pretrace.sequences.probes.restore import restore
from pretrace.sequences.rows import SPLITS, SequenceData
from pretrace.settings import Settings
from pretrace.tasks.probes.texts import divide, read_text

FEWEST = {"train": 40, "dev": 10, "test": 20}
"""Rows below which a probe says that the corpus is too small for it."""


def make_sequence_probe(settings: Settings, name: str, documents: Iterable[tuple[Document, Document]]) -> SequenceData:
    """Return the rows of a task that is a probe.

    Args:
        name: of the task in `sequences`.
        documents: raw probe documents, each with itself as GPT-1's words.

    Raises:
        PretraceError: the probe is for another corpus.
    """
    task, sizes = settings.sequences[name], settings.scale.probes
    wanted = {
        "train": task.train_rows or sizes.rows.get(str(task.probe), sizes.rows["default"]),
        "dev": task.test_rows or sizes.dev_rows,
        "test": task.test_rows or sizes.test_rows,
    }
    if task.probe == "describe":
        data = describe(_packages(settings, name), wanted, Gpt1Words(settings.text.language).many)
    else:
        data = restore(divide(read_text(prepared, raw.text) for raw, prepared in documents), wanted)
    short = [split for split in SPLITS if len(data.splits[split]) < FEWEST[split]]
    if short:
        have = ", ".join(f"{len(data.splits[split])} {split}" for split in SPLITS)
        data.unavailable = f"the corpus gives too few rows ({have})"
        data.splits = {split: [] for split in SPLITS}
    return data


def _packages(settings: Settings, name: str) -> list[str]:
    if settings.corpus.source != "installed":
        raise PretraceError(
            f"params.yaml: sequences.{name}.probe: `describe` is of the functions of installed packages "
            f"(`corpus.source: installed`), and not of `{settings.corpus.source}`; take `restore`"
        )
    if len(settings.corpus.packages) < 3:
        raise PretraceError(
            f"params.yaml: sequences.{name}.probe: `describe` takes three packages or more, one each for train, dev "
            f"and test; corpus.packages has {len(settings.corpus.packages)}"
        )
    return settings.corpus.packages
