"""Sections about data: prompts, what answers are judged by, comparisons."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pretrace.settings.section import Count, NotNegative, PathString, Positive, PositiveShare, Section, Seed, Share


class Files(Section):
    """Files of labeled rows in place of what is made from documents."""

    instructions: PathString | None = None
    """Demonstrations (InstructGPT: 12,725 prompts, table 6), with the columns of docs/feedback.md; null: genuine
    continuations of documents."""
    preferences: PathString | None = None
    """Comparisons (InstructGPT: 33,207 prompts, table 6); null: answers of the start policy, judged by the gold
    reward."""
    on_bad_rows: Literal["stop", "skip"] = "stop"
    """A row that cannot be used: stop with a line that names it, or skip it and say so (ours)."""

    @model_validator(mode="after")
    def _is_whole(self) -> Files:
        if (self.instructions is None) != (self.preferences is None):
            raise ValueError("takes both `instructions` and `preferences`, or neither: their prompts are of one kind")
        return self


class Prompts(Section):
    """Prompts: beginnings of documents that no model was trained on, or the questions of `files`."""

    tokens: Count = 16
    """Tokens of a prompt made from a document (lm-human-preferences: 64 of books; InstructGPT: up to 1,000, appendix
    C)."""
    every: Count = 96
    """Tokens of a document from one prompt to the next (ours)."""
    test_share: Share = 0.25
    """Share of documents, or of opening questions, whose prompts only measure (InstructGPT: split by customer, section
    3.2)."""
    train: Count = 1200
    """Most training prompts (InstructGPT: 31,144 for PPO, table 6)."""
    test: Count = 256
    """Most test prompts."""
    answer_tokens: Count = 24
    """Most tokens of an answer (lm-human-preferences: 24; InstructGPT: 1,000, appendix C)."""


class Gold(Section):
    """The gold reward, known by construction: which half of the sources a text sounds like (ours).

    It is the mean log-odds per token of one half's text against the other's, from counts of training documents, in
    units of its standard deviation over the start policy's answers.
    """

    least_count: Count = 20
    """A token that both halves together have less often says nothing."""
    clip: Positive = 3.0
    """Largest log-odds of a token either way, so that no rare word decides."""
    words_only: bool = True
    """True counts tokens with a letter alone: punctuation is too easy to produce."""


class Comparisons(Section):
    """Answers of the start policy for each prompt, ranked."""

    answers: Annotated[int, Field(ge=2, le=64)] = 4
    """Answers ranked together, K (InstructGPT: 4 to 9, section 3.5; lm-human-preferences: 4)."""
    prompts: Count | None = None
    """Prompts with ranked answers (InstructGPT: 33,207, table 6); null: all training prompts."""
    temperature: PositiveShare = 1.0
    """Of sampling (InstructGPT: not printed)."""
    noise: NotNegative = 0.0
    """Noise of the labels: an answer is judged by its gold reward plus this times a draw from the Gumbel distribution,
    so that of two answers the better one wins with probability sigmoid(difference / noise). InstructGPT's labelers
    agree in 73 % (section 3.4); 0: never wrong (ours)."""
    tie_within: NotNegative = 0.0
    """Answers whose judged rewards differ by no more are a tie, which makes no pair (InstructGPT drops ties, appendix
    C)."""


class SeedSection(Section):
    """The seed of all draws of a stage."""

    seed: Seed = 1
    """Of the draws (InstructGPT: not printed)."""
