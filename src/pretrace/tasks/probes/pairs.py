"""The probes `same` and `nearness`: are two passages from one document, and how near are they?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pretrace.settings import ProbeSettings
from pretrace.tasks.dataset import SPLITS, Row, TaskData
from pretrace.tasks.passages import Text, chunks, generator_for
from pretrace.tasks.probes.rows import balanced, joined, shuffled, unique_passages

COMMON_WORDS = 100
"""The most frequent words of the corpus ("the", "of"), which any two passages may share."""
Words = tuple[str, ...]
NEARNESS = ("another source", "the same source", "the same document", "the next passage")


def same(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return pairs of passages from one document or from two, whose second passages were exchanged.

    No pair shares a word, but for the most common: it takes a common subject, not a repeated word.
    """
    task = TaskData("similarity", "accuracy", ["two documents", "one document"])
    common = common_words(texts)
    for split in SPLITS:
        pairs = [pair for pair in _far_pairs(texts[split], sizes.pair_words) if not shared_words(*pair[1:], common)]
        pairs = shuffled(pairs, "same", split)
        rows = []
        for number in range(0, len(pairs) - 2, 3):
            (text, a, b), (other, c, _), (third, _, f) = pairs[number : number + 3]
            if len({text.id, other.id, third.id}) == 3 and not shared_words(c, f, common):
                rows += [Row((joined(a), joined(b)), 1, text.id), Row((joined(c), joined(f)), 0, other.id)]
        task.splits[split] = balanced(rows)
    return task


def nearness(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return pairs of passages with their nearness: 0 other sources, 1 one source, 2 one document, 3 the next passage.

    As in `same`, no pair shares a word, but for the most common.
    """
    task = TaskData("regression", "pearson", None, details={"scale": list(NEARNESS)})
    common = common_words(texts)
    for split in SPLITS:
        random = generator_for("nearness", split)
        runs = [(text, chunks(text, sizes.pair_words)) for text in texts[split]]
        times = Counter(passage for _, run in runs for passage in run)
        pool = shuffled([(t, c, i) for t, c in runs for i in range(0, len(c) - 1, 2)], "nearness", split)
        by_source: dict[str, list[tuple[Text, list[Words], int]]] = {}
        for item in pool:
            by_source.setdefault(item[0].source, []).append(item)
        rows: list[Row] = []
        for number, (text, run, i) in enumerate(pool):
            grade = number % 4
            if grade == 3:
                second: Words | None = run[i + 1]
            elif grade == 2:
                apart = [j for j in range(1, len(run), 2) if abs(j - i) > 2]
                second = run[int(random.choice(apart))] if apart else None
            else:
                others = by_source[text.source] if grade == 1 else pool
                other = others[int(random.integers(len(others)))]
                wrong = other[0].id == text.id or (grade == 0 and other[0].source == text.source)
                second = None if wrong else other[1][other[2] + 1]
            if second and times[run[i]] == times[second] == 1 and not shared_words(run[i], second, common):
                rows.append(Row((joined(run[i]), joined(second)), float(grade), text.id))
        task.splits[split] = balanced(unique_passages(rows))
    return task


def common_words(texts: dict[str, list[Text]]) -> set[str]:
    """Return the most frequent words of the probe documents, whatever split they are in."""
    counts = Counter(word for split in SPLITS for text in texts[split] for word in text.words)
    return {word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:COMMON_WORDS]}


def shared_words(first: Iterable[str], second: Iterable[str], common: set[str]) -> set[str]:
    """Return the words of both passages, but for `common` ones."""
    return (set(first) & set(second)) - common


def _far_pairs(texts: list[Text], length: int) -> list[tuple[Text, Words, Words]]:
    """Return pairs of passages of a document with one passage between them; none is in two pairs or two documents."""
    pairs = []
    times = Counter(passage for text in texts for passage in chunks(text, length))
    for text in texts:
        run = chunks(text, length)
        for i in range(0, len(run) - 3, 4):
            pairs += [(text, run[i], run[i + 2]), (text, run[i + 1], run[i + 3])]
    return [(text, a, b) for text, a, b in pairs if times[a] == times[b] == 1]
