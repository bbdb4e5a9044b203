"""The probe `acceptability`: is a sentence as it was written?"""

from __future__ import annotations

from collections import Counter

from pretrace.settings import ProbeSettings
from pretrace.tasks.dataset import SPLITS, Row, TaskData
from pretrace.tasks.passages import Text, generator_for
from pretrace.tasks.probes.perturbations import PERTURBATIONS, perturb
from pretrace.tasks.probes.rows import balanced, shuffled


def acceptability(texts: dict[str, list[Text]], wanted: dict[str, int], sizes: ProbeSettings) -> TaskData:
    """Return sentences, half of them perturbed in several places (`perturbations.py`)."""
    task = TaskData("classification", "matthews", ["changed", "as written"], details={"changes": list(PERTURBATIONS)})
    times = Counter(sentence for split in SPLITS for text in texts[split] for sentence in text.sentences())
    for split in SPLITS:
        sentences = [
            (sentence, text.id) for text in texts[split] for sentence in text.sentences() if 8 <= len(sentence) <= 30
        ]
        # A sentence that occurs again would stand in one row as written and in another perturbed.
        sentences = [(sentence, origin) for sentence, origin in sentences if times[sentence] == 1]
        rows: list[Row] = []
        random = generator_for("acceptability", split, "change")
        for number, (sentence, origin) in enumerate(shuffled(sentences, "acceptability", split)):
            words = sentence if number % 2 else perturb(sentence, sizes.words_per_change, random)
            if words:
                rows.append(Row((" ".join(words),), number % 2, origin))
        task.splits[split] = balanced(rows)
    return task
