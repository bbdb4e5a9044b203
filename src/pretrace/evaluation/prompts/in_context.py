"""Two tests that show learning in context at any size.

- Loss by position in long documents: what comes later has more before it (GPT-3, section 3; Olsson et al. 2022 take the
  loss of the 50th token minus that of the 500th).
- Random tokens that occur twice: only their first occurrence can tell what the second one will be (Olsson et al. 2022,
  "In-context Learning and Induction Heads").

Shapes: D documents or sequences, T tokens of one.
"""

from __future__ import annotations

import numpy as np

from pretrace.evaluation.log_likelihood import Question, score_questions
from pretrace.model import LanguageModel
from pretrace.schemas.few_shot import InContext, PositionLoss, RepeatedTokens
from pretrace.tasks.rows.draws import generator_for
from pretrace.tokens import Vocabulary
from pretrace.tokens.shards.read import TokenStream
from pretrace.training.engine.device import Device

DOCUMENTS = 200
"""Most documents (ours), evenly spaced."""
SEQUENCES = 100
"""Of random tokens (ours)."""


def measure_in_context(
    step: int, model: LanguageModel, vocabulary: Vocabulary, stream: TokenStream, device: Device
) -> InContext:
    """Return both tests of a model with its weights after some steps.

    Args:
        stream: validation documents as token ids.

    Raises:
        PretraceError: a log-probability is not finite.
    """
    ids_DT = long_documents(stream, model.context - 1)
    start = np.array([vocabulary.document_end_id])
    losses_DT = _losses(model, [Question(start, ids_T) for ids_T in ids_DT], device)[0] if len(ids_DT) else None
    return InContext(
        step=step,
        documents=len(ids_DT),
        by_position=[] if losses_DT is None else by_position(losses_DT),
        repeated=_repeated(model, vocabulary, device),
    )


def long_documents(stream: TokenStream, length: int) -> np.ndarray:
    """Return the first `length` token ids (D, T) of documents that are so long, evenly spaced among them."""
    starts = stream.document_starts()
    long = starts[:-1][np.diff(starts) >= length]
    chosen = (
        long[np.unique(np.linspace(0, len(long) - 1, min(DOCUMENTS, len(long))).astype(int))] if len(long) else long
    )
    return (
        np.stack([stream.read(int(first), length) for first in chosen]) if len(chosen) else np.zeros((0, length), int)
    )


def by_position(losses_DT: np.ndarray) -> list[PositionLoss]:
    """Return the mean loss of positions 1, 2, 3 to 4, 5 to 8 and so on; the last ones up to the end."""
    length = losses_DT.shape[1]
    points, first = [], 1
    while first <= length:
        last = min(length, 1 << (first - 1).bit_length())
        own_D = losses_DT[:, first - 1 : last].mean(1)
        points.append(
            PositionLoss(first=first, last=last, loss=round(float(own_D.mean()), 6), stderr=round(_stderr(own_D), 6))
        )
        first = last + 1
    return points


def random_sequences(vocabulary: Vocabulary, context: int) -> list[np.ndarray]:
    """Return sequences of random tokens, any but special ones, of which two fit the context behind a start."""
    special = {vocabulary.document_end_id, vocabulary.unknown_id, vocabulary.mask_id, vocabulary.first_id}
    special |= {vocabulary.separator_id, vocabulary.padding_id}
    known = np.setdiff1d(np.arange(vocabulary.size), [number for number in special if number is not None])
    random = generator_for("repeated", str(context))
    return [random.choice(known, (context - 1) // 2) for _ in range(SEQUENCES)]


def _repeated(model: LanguageModel, vocabulary: Vocabulary, device: Device) -> RepeatedTokens:
    start, sequences = np.array([vocabulary.document_end_id]), random_sequences(vocabulary, model.context)
    losses_DT, greedy_DT = _losses(model, [Question(start, np.tile(one, 2)) for one in sequences], device)
    length = len(sequences[0])
    first_D, second_D = losses_DT[:, 1:length].mean(1), losses_DT[:, length + 1 :].mean(1)
    return RepeatedTokens(
        sequences=len(sequences),
        length=length,
        first_loss=round(float(first_D.mean()), 6),
        second_loss=round(float(second_D.mean()), 6),
        gain=round(float((first_D - second_D).mean()), 6),
        stderr=round(_stderr(first_D - second_D), 6),
        second_accuracy=round(float(greedy_DT[:, length + 1 :].mean()), 6),
    )


def _losses(model: LanguageModel, questions: list[Question], device: Device) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss of each asked token (D, T), and whether it was the likeliest; all questions ask equally many."""
    scores = score_questions(model, questions, device)
    shape = (len(questions), -1)
    return -scores.log_probabilities_N.astype(float).reshape(shape), scores.greedy_N.reshape(shape)


def _stderr(values_D: np.ndarray) -> float:
    return float(values_D.std(ddof=1) / len(values_D) ** 0.5) if len(values_D) > 1 else 0.0
