"""A model's written answers to the rows of a task, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pretrace.evaluation.prompts.scorer import Answered, clean_of
from pretrace.evaluation.prompts.written.tasks import SequencePromptTask
from pretrace.generation import Prompt, generate
from pretrace.model import LanguageModel
from pretrace.sequences.metrics import score_texts


@dataclass
class TaskWriter:
    """Lets one model write the answers of a task; what a larger number of examples leaves as it was is kept."""

    task: SequencePromptTask
    model: LanguageModel
    clean_N: np.ndarray | None = None
    """True for test rows that the training text does not have; None: not known."""
    _texts: dict[tuple[int, ...], str] = field(default_factory=dict)
    """Answers by the tokens of their prompts."""

    def answer(self, split: str, seed: int, shots: int) -> Answered:
        """Return the scores of the model's answers with so many examples."""
        task, numbers = self.task, [int(number) for number in self.task.numbers[split]]
        prompts = [task.prompt(split, number, seed, shots) for number in numbers]
        texts = self._written([prompt.questions[0].given for prompt in prompts])
        references = [task.references[split][number] for number in numbers]
        sources = [task.data.splits[split][number].raw[0] for number in numbers]
        scores = score_texts(task.metrics, texts, references, sources)
        first, clean_N = scores[task.metrics[0]], clean_of(split, self.clean_N)
        clean = None
        if clean_N is not None:
            kept = np.flatnonzero(clean_N)
            own = score_texts(
                task.metrics[:1],
                [texts[i] for i in kept],
                [references[i] for i in kept],
                [sources[i] for i in kept],
            )
            clean = own[task.metrics[0]].score
        return Answered(
            np.zeros(len(numbers)),
            first.score,
            first.stderr,
            float(np.mean([prompt.examples for prompt in prompts])),
            sum(not prompt.fits for prompt in prompts),
            clean_score=clean,
            metrics={metric: one.score for metric, one in scores.items()},
            signatures={metric: one.signature for metric, one in scores.items() if one.signature},
        )

    def text(self, split: str, number: int, seed: int, shots: int) -> str:
        """Return the answer to one row."""
        return self._written([self.task.prompt(split, number, seed, shots).questions[0].given])[0]

    def _written(self, given: Sequence[np.ndarray]) -> list[str]:
        """Return answers to prompts. One that is too long loses its beginning, all but the start of a document."""
        room = self.model.context - self.task.writing.tokens
        keys = [tuple(int(one) for one in (ids[:1].tolist() + ids[1:][-(room - 1) :].tolist())) for ids in given]
        new = list(dict.fromkeys(key for key in keys if key not in self._texts))
        vocabulary = self.task.form.text.vocabulary
        found = generate(self.model, vocabulary, [Prompt(list(key)) for key in new], self.task.writing.settings())
        self._texts.update((key, one.text.strip()) for key, one in zip(new, found, strict=True))
        return [self._texts[key] for key in keys]
