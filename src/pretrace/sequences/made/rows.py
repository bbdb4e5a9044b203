"""Splits of rows that are made by a rule: the same ones for every model."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import read_text
from pretrace.corpus.documents import read_documents
from pretrace.sequences.made.arithmetic import arithmetic_row
from pretrace.sequences.made.novel_words import MEANINGS, WORDS_OF_A_MEANING, defined, novel_word
from pretrace.sequences.made.scrambled import can_scramble, frequent_words, scramble
from pretrace.sequences.rows import SPLITS, SequenceRow
from pretrace.settings.sequences.task import Scrambled, SequenceTask
from pretrace.tasks.rows.draws import generator_for

ROWS = {"train": 2000, "dev": 500, "test": 2000}
"""Arithmetic; GPT-3 has 2,000 of each kind."""
SHARES = {"dev": 0.1, "test": 0.4}
"""Scrambled words: of all words; the rest are examples."""


def made_rows(name: str, task: SequenceTask, root: Path) -> dict[str, list[SequenceRow]]:
    """Return the rows of a kind by split; no question is in two of them.

    Raises:
        PretraceError: there are no words to scramble.
    """
    kind = str(task.made)
    if kind in get_args(Scrambled):
        return _scrambled(name, kind, task, root)
    if kind == "novel_words":
        return _novel_words()
    random, seen, splits = generator_for("sequences", "made", kind), set[str](), {}
    for split in SPLITS:
        rows: list[SequenceRow] = []
        for _ in range(20 * ROWS[split]):  # few two-digit questions are left at the end
            question, answer = arithmetic_row(kind, random)
            if question not in seen and len(rows) < ROWS[split]:
                seen.add(question)
                rows.append(SequenceRow(question, (answer,), origin=f"{kind}: row {len(seen)}"))
        splits[split] = rows
    return splits


def _novel_words() -> dict[str, list[SequenceRow]]:
    """Return rows whose source is a word, in the context of its definition; a meaning is in one split."""
    random, seen = generator_for("sequences", "made", "novel_words"), set[str]()
    splits: dict[str, list[SequenceRow]] = {split: [] for split in SPLITS}
    for place, index in enumerate(random.permutation(len(MEANINGS))):
        meaning, split = MEANINGS[index], "test" if place % 3 == 1 else "dev" if place % 6 == 2 else "train"
        while len(seen) < (place + 1) * WORDS_OF_A_MEANING:
            if (word := novel_word(random)) not in seen:
                seen.add(word)
                target = meaning.sentence.replace("_", word)
                splits[split].append(SequenceRow(word, (target,), defined(word, meaning), f"novel words: {word}"))
    return splits


def _scrambled(name: str, kind: str, task: SequenceTask, root: Path) -> dict[str, list[SequenceRow]]:
    if task.words:
        words = [line.strip() for line in read_text(root / task.words).split("\n")]
        where = task.words
    else:
        where = "data/clean/train"
        words = frequent_words(document.text for document in read_documents(root / where))
    words = [word for word in dict.fromkeys(words) if len(word) > 1 and can_scramble(kind, word)]
    if len(words) < 10:
        raise PretraceError(f"params.yaml: sequences.{name}: {where} has {len(words)} words to scramble; takes 10")
    random = generator_for("sequences", "made", kind)
    order = [words[index] for index in random.permutation(len(words))]
    rows = [SequenceRow(scramble(kind, word, random), (word,), origin=f"{where}: {word}") for word in order]
    dev, test = (max(1, int(SHARES[split] * len(rows))) for split in ("dev", "test"))
    return {"dev": rows[:dev], "test": rows[dev : dev + test], "train": rows[dev + test :]}
