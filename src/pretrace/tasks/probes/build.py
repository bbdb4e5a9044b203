"""Probes: labeled tasks made from documents that pre-training has not seen, so that any corpus gets a benchmark.

Labels come from provenance (where a passage is from, what follows it, whether it was perturbed), never from a model. In
every probe right and wrong rows are made of the same material in the same way, so one part alone, its length or its
position tells nothing; `details` names what is counted, and the tests hold each give-away at chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pretrace.common.errors import PretraceError
from pretrace.corpus.documents import Document
from pretrace.corpus.text.recipe import Recipe
from pretrace.settings import ProbeSettings
from pretrace.tasks.probes.acceptability import acceptability
from pretrace.tasks.probes.as_written import with_raw_text
from pretrace.tasks.probes.continuations import cloze, follows
from pretrace.tasks.probes.pairs import nearness, same
from pretrace.tasks.probes.rows import balanced, unique_passages
from pretrace.tasks.probes.source import source
from pretrace.tasks.probes.texts import Text, divide, read_text
from pretrace.tasks.rows.dataset import SPLITS, TaskData
from pretrace.tasks.rows.kinds import KINDS

FEWEST = {"train": 40, "dev": 20, "test": 20}
"""Rows below which a probe says that the corpus is too small for it."""

PROBES: dict[str, Callable[[dict[str, list[Text]], dict[str, int], ProbeSettings], TaskData]] = {
    "source": source,
    "acceptability": acceptability,
    "follows": follows,
    "same": same,
    "nearness": nearness,
    "cloze": cloze,
}


def make_probe(
    name: str,
    documents: Iterable[tuple[Document, Document]],
    wanted: dict[str, int],
    sizes: ProbeSettings,
    kind: str,
    metric: str,
    recipe: Recipe,
) -> TaskData:
    """Return a probe's rows, drawn by words, with their text as it was written.

    Args:
        documents: raw probe documents, each with itself as words.
        wanted: most rows by split.
        sizes: lengths of passages, in words.
        recipe: the one that made the words.

    Raises:
        PretraceError: the probe is of another kind.
    """
    texts = divide(read_text(prepared, raw.text) for raw, prepared in documents)
    task = PROBES[name](texts, wanted, sizes)
    if task.kind != kind:
        raise PretraceError(f"params.yaml: tasks: the probe {name!r} is of kind {task.kind}, got {kind}")
    task.metric = metric
    seen: set[str] = set()
    splits = {}
    for split in reversed(SPLITS):  # passages of test are left out of train, not the other way round
        rows = unique_passages(task.splits.get(split, []), seen)
        splits[split] = (rows if KINDS[kind].chooses else balanced(rows))[: wanted[split]]
    task.splits, task.raw_parts = with_raw_text({split: splits[split] for split in SPLITS}, recipe)
    short = [split for split in SPLITS if len(task.splits[split]) < FEWEST[split]]
    if short and not task.unavailable:
        have = ", ".join(f"{len(task.splits[split])} {split}" for split in SPLITS)
        task.unavailable = f"the corpus gives too few rows ({have}); more probe documents are needed"
    if task.unavailable:
        task.splits = {split: [] for split in SPLITS}
    return task
