"""Probes: labeled tasks made from documents that pre-training has not seen, so that any corpus gets a benchmark.

Labels come from provenance (where a passage is from, what follows it, whether it was changed), never from a model. In
every probe right and wrong rows are made of the same material in the same way, so one part alone, its length or its
place tells nothing; `details` names what is counted, and the tests hold each give-away at chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.settings import ProbeSettings
from pretrace.tasks.dataset import SPLITS, Row, TaskData
from pretrace.tasks.kinds import KINDS
from pretrace.tasks.passages import Text, chunks, divide, generator_for, read_text
from pretrace.tasks.probes.perturbations import CHANGES, changed

CLASSES = 10
"""Most sources that the probe `source` tells apart."""
FEWEST = {"train": 40, "dev": 20, "test": 20}
"""Rows (for `source`: in each class, a tenth of it) below which a probe says that the corpus is too small for it."""
CHOICES = 4
"""Continuations in `cloze`."""
COMMON_WORDS = 100
"""The most frequent words of the corpus ("the", "of"), which any two passages may share."""
NEARNESS = ("another source", "the same source", "the same document", "the next passage")
MASK = "_"


class Cut(NamedTuple):
    """A window of text cut in two."""

    before: str
    after: str
    origin: str


Wanted = dict[str, int]
Maker = Callable[[dict[str, list[Text]], Wanted, ProbeSettings], TaskData]


def make_probe(
    name: str, documents: Iterable[object], wanted: Wanted, sizes: ProbeSettings, kind: str, metric: str
) -> TaskData:
    """Make a probe's rows.

    Args:
        documents: cleaned probe documents with `id`, `source` and `text`.
        wanted: most rows by split.
        sizes: lengths of passages, in words.

    Raises:
        PretraceError: the probe is of another kind.
    """
    texts = divide(read_text(document) for document in documents)
    task = PROBES[name](texts, wanted, sizes)
    if task.kind != kind:
        raise PretraceError(f"params.yaml: tasks: the probe {name!r} is of kind {task.kind}, got {kind}")
    task.metric = metric
    seen: set[str] = set()
    kept = {}
    for split in reversed(SPLITS):  # what stands in test is left out of train, not the other way round
        rows = unique_passages(task.splits.get(split, []), seen)
        kept[split] = (rows if KINDS[kind].chooses else _balanced(rows))[: wanted[split]]
    task.splits = {split: kept[split] for split in SPLITS}
    short = [split for split in SPLITS if len(task.splits[split]) < FEWEST[split]]
    if short and not task.unavailable:
        have = ", ".join(f"{len(task.splits[split])} {split}" for split in SPLITS)
        task.unavailable = f"the corpus gives too few rows ({have}); more probe documents are needed"
    if task.unavailable:
        task.splits = {split: [] for split in SPLITS}
    return task


def unique_passages(rows: list[Row], seen: set[str] | None = None) -> list[Row]:
    """Rows whose passages have not occurred in an earlier row, nor are in `seen`, to which theirs are added."""
    seen = set() if seen is None else seen
    kept = []
    for row in rows:
        if len(set(row.parts)) == len(row.parts) and not seen.intersection(row.parts):
            seen.update(row.parts)
            kept.append(row)
    return kept


def source(texts: dict[str, list[Text]], wanted: Wanted, sizes: ProbeSettings) -> TaskData:
    """Which source is a passage from? Words that only one source uses, and the sources' names, are masked."""
    room = {
        name: min(_chunk_count(texts[split], name, sizes.passage_words) / max(1, wanted[split]) for split in SPLITS)
        for name in sorted({text.source for text in texts["train"]})
    }
    names = sorted(sorted(room, key=lambda name: (-room[name], name))[:CLASSES])
    names = [
        name
        for name in names
        if all(_chunk_count(texts[s], name, sizes.passage_words) >= FEWEST[s] / 10 for s in SPLITS)
    ]
    task = TaskData("classification", "accuracy", names)
    if len(names) < 2:
        task.unavailable = f"needs two sources with several documents each; this corpus has {len(names)}"
        return task
    masked = give_aways([text for split in SPLITS for text in texts[split]], names)
    task.details = {"masked_words": len(masked)}
    for split in SPLITS:
        rows_by_class = []
        for label, name in enumerate(names):
            rows = [
                Row((" ".join(MASK if word in masked else word for word in chunk),), label, text.id)
                for text in texts[split]
                if text.source == name
                for chunk in chunks(text, sizes.passage_words)
            ]
            rows_by_class.append(_shuffled(unique_passages(rows), "source", split, name))
        each = min([len(rows) for rows in rows_by_class] + [wanted[split] // len(names)])
        task.splits[split] = _shuffled([row for rows in rows_by_class for row in rows[:each]], "source", split)
    return task


def give_aways(texts: list[Text], names: list[str]) -> set[str]:
    """Words that name a source, and words that only one of the sources uses although it uses them often."""
    users: dict[str, Counter[str]] = {}
    for text in texts:
        for word in text.words:
            users.setdefault(word, Counter())[text.source] += 1
    own = {word for word, by in users.items() if by.total() >= 20 and max(by.values()) >= 0.95 * by.total()}
    parts = {part for name in names for part in name.lower().replace("-", " ").replace("_", " ").split()}
    return own | parts | {name.lower() for name in names}


def acceptability(texts: dict[str, list[Text]], wanted: Wanted, sizes: ProbeSettings) -> TaskData:
    """Is the sentence as it was written, or was it changed in several places (see `changes.py`)?"""
    task = TaskData("classification", "matthews", ["changed", "as written"], details={"changes": list(CHANGES)})
    times = Counter(sentence for split in SPLITS for text in texts[split] for sentence in text.sentences())
    for split in SPLITS:
        sentences = [
            (sentence, text.id) for text in texts[split] for sentence in text.sentences() if 8 <= len(sentence) <= 30
        ]
        # A sentence that occurs again would stand here as written and there changed.
        sentences = [(sentence, origin) for sentence, origin in sentences if times[sentence] == 1]
        rows: list[Row] = []
        random = generator_for("acceptability", split, "change")
        for number, (sentence, origin) in enumerate(_shuffled(sentences, "acceptability", split)):
            written = sentence if number % 2 else changed(sentence, sizes.words_per_change, random)
            if written:
                rows.append(Row((" ".join(written),), number % 2, origin))
        task.splits[split] = _balanced(rows)
    return task


def follows(texts: dict[str, list[Text]], wanted: Wanted, sizes: ProbeSettings) -> TaskData:
    """Does the second passage directly continue the first, or another document's?

    The cuts fall inside sentences. Wrong rows have exchanged their continuations with each other, so a continuation
    occurs in wrong rows and in right ones alike.
    """
    task = TaskData("entailment", "accuracy", ["elsewhere", "continues"])
    for split in SPLITS:
        rows: list[Row] = []
        for group in _groups(texts[split], sizes, 4, "follows", split):
            for place, other in ((0, 0), (1, 3), (2, 2), (3, 1)):
                parts = (group[place].before, group[other].after)
                rows.append(Row(parts, int(place == other), group[place].origin))
        task.splits[split] = _balanced(rows)
    return task


def cloze(texts: dict[str, list[Text]], wanted: Wanted, sizes: ProbeSettings) -> TaskData:
    """Which of four continuations, all cut in the same way, is the true one?"""
    task = TaskData("multiple_choice", "accuracy", None)
    for split in SPLITS:
        random = generator_for("cloze", split, "order")
        rows = []
        for group in _groups(texts[split], sizes, CHOICES, "cloze", split):
            chosen = int(random.integers(CHOICES))
            rows.append(Row((group[chosen].before, *(cut.after for cut in group)), chosen, group[chosen].origin))
        task.splits[split] = rows
    return task


def same(texts: dict[str, list[Text]], wanted: Wanted, sizes: ProbeSettings) -> TaskData:
    """Are two passages from one document? Wrong rows exchange their second passages with another document's.

    No pair shares a word, but for the most common: what is asked is a common subject, not a repeated word.
    """
    task = TaskData("similarity", "accuracy", ["two documents", "one document"])
    common = common_words(texts)
    for split in SPLITS:
        pairs = [pair for pair in _far_pairs(texts[split], sizes.pair_words) if not shared_words(*pair[1:], common)]
        pairs = _shuffled(pairs, "same", split)
        rows = []
        for number in range(0, len(pairs) - 2, 3):
            (text, a, b), (other, c, _), (third, _, f) = pairs[number : number + 3]
            if len({text.id, other.id, third.id}) == 3 and not shared_words(c, f, common):
                rows += [Row((_text(a), _text(b)), 1, text.id), Row((_text(c), _text(f)), 0, other.id)]
        task.splits[split] = _balanced(rows)
    return task


def common_words(texts: dict[str, list[Text]]) -> set[str]:
    """The most frequent words of the probe documents, whatever split they are in."""
    counts = Counter(word for split in SPLITS for text in texts[split] for word in text.words)
    return {word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:COMMON_WORDS]}


def shared_words(first: Iterable[str], second: Iterable[str], common: set[str]) -> set[str]:
    """Words of both passages, but for `common` ones."""
    return (set(first) & set(second)) - common


def nearness(texts: dict[str, list[Text]], wanted: Wanted, sizes: ProbeSettings) -> TaskData:
    """How near are two passages? 0 other sources, 1 the same source, 2 the same document, 3 the next passage.

    As in `same`, no pair shares a word, but for the most common.
    """
    task = TaskData("regression", "pearson", None, details={"scale": list(NEARNESS)})
    common = common_words(texts)
    for split in SPLITS:
        random = generator_for("nearness", split)
        runs = [(text, chunks(text, sizes.pair_words)) for text in texts[split]]
        times = Counter(passage for _, run in runs for passage in run)
        pool = _shuffled([(t, c, i) for t, c in runs for i in range(0, len(c) - 1, 2)], "nearness", split)
        by_source: dict[str, list] = {}
        for item in pool:
            by_source.setdefault(item[0].source, []).append(item)
        rows: list[Row] = []
        for number, (text, run, i) in enumerate(pool):
            grade = number % 4
            if grade == 3:
                second: tuple[str, ...] | None = run[i + 1]
            elif grade == 2:
                apart = [j for j in range(1, len(run), 2) if abs(j - i) > 2]
                second = run[int(random.choice(apart))] if apart else None
            else:
                others = by_source[text.source] if grade == 1 else pool
                other = others[int(random.integers(len(others)))]
                wrong = other[0].id == text.id or (grade == 0 and other[0].source == text.source)
                second = None if wrong else other[1][other[2] + 1]
            if second and times[run[i]] == times[second] == 1 and not shared_words(run[i], second, common):
                rows.append(Row((_text(run[i]), _text(second)), float(grade), text.id))
        task.splits[split] = _balanced(unique_passages(rows))
    return task


PROBES: dict[str, Maker] = {
    "source": source,
    "acceptability": acceptability,
    "follows": follows,
    "same": same,
    "nearness": nearness,
    "cloze": cloze,
}


def _chunk_count(texts: list[Text], source_name: str, length: int) -> int:
    return sum(len(text.words) // length for text in texts if text.source == source_name)


def _groups(texts: list[Text], sizes: ProbeSettings, size: int, *names: str) -> list[list[Cut]]:
    """Windows of text, each cut in two inside a sentence, in groups of `size` from as many documents."""
    before, after = sizes.context_words, sizes.continuation_words
    cuts: list[Cut] = []
    for text in texts:
        starts = np.array(text.sentence_starts)
        for first in range(0, len(text.words) - before - after + 1, before + after):
            cut = first + before
            # A cut next to a sentence's end would be told by its punctuation alone.
            if not np.any((starts >= cut - 2) & (starts <= cut + 2)):
                cuts.append(Cut(_text(text.words[first:cut]), _text(text.words[cut : cut + after]), text.id))
    # Two documents that share a text would make a wrong row of what is right.
    times = Counter(part for cut in cuts for part in (cut.before, cut.after))
    cuts = _shuffled([cut for cut in cuts if times[cut.before] == times[cut.after] == 1], *names)
    groups = [cuts[i : i + size] for i in range(0, len(cuts) - size + 1, size)]
    return [group for group in groups if len({cut.origin for cut in group}) == size]


def _far_pairs(texts: list[Text], length: int) -> list[tuple[Text, tuple, tuple]]:
    """Pairs of passages of one document with a passage between them; none is in two pairs or in two documents."""
    pairs = []
    times = Counter(passage for text in texts for passage in chunks(text, length))
    for text in texts:
        run = chunks(text, length)
        for i in range(0, len(run) - 3, 4):
            pairs += [(text, run[i], run[i + 2]), (text, run[i + 1], run[i + 3])]
    return [(text, a, b) for text, a, b in pairs if times[a] == times[b] == 1]


def _balanced(rows: list[Row]) -> list[Row]:
    """The same number of rows of each label, in turn; the rest is not used."""
    by_label: dict[float, list[Row]] = {}
    for row in rows:
        by_label.setdefault(row.label, []).append(row)
    return [row for group in zip(*(by_label[label] for label in sorted(by_label)), strict=False) for row in group]


def _shuffled(items: list, *names: str) -> list:
    return [items[i] for i in generator_for(*names).permutation(len(items))]


def _text(words: tuple[str, ...]) -> str:
    return " ".join(words)
