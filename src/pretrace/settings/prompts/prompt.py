"""A prompt: how rows of a kind of task are written for a language model, one file in `prompts/`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pretrace.common.errors import PretraceError
from pretrace.settings.kinds import KIND_FACTS, SEQUENCE
from pretrace.settings.prompts.template import Template
from pretrace.settings.prompts.writing import Writing
from pretrace.settings.section import Section, checked
from pretrace.settings.yaml_file import read_yaml

FOLDER = "prompts"
PromptName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
"""Name of a file in `prompts/`, without its ending."""
AnswerScore = Literal["sum", "mean_token", "mean_character", "pmi"]
PromptKind = Literal["classification", "entailment", "similarity", "regression", "multiple_choice", "sequence"]
"""`Kind`, and `SEQUENCE`."""
ANSWER = "answer"
"""Field for the answer; all others are of the row (`KindFacts`)."""
TEMPLATES = ("before", "row", "answer", "between")
MOST_LEVELS = 20
SEQUENCE_FIELDS = ("source", "context")


class Prompt(Section):
    """A way to write rows, as data. Fields of a row stand in braces in its templates; which there are depends on the
    kind of task (docs/prompts.md).
    """

    source: str
    """Paper or code that the form is from, or "ours"."""
    kinds: Annotated[list[PromptKind], Field(min_length=1)]
    """Kinds of tasks that it is for; `sequence` is that of `sequences` in params.yaml."""
    before: str = ""
    """Text before all examples, such as a description of the task; it has no fields."""
    row: str
    """Template of a row without its answer."""
    answer: str = " {answer}"
    """Template of the answer, whose tokens are scored. Where `{answer}` stands in `row` alone, all answers are compared
    by the text behind them."""
    between: str = "\n\n"
    """Text between two examples, and between the last one and the row; it has no fields."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Word of each class or level by its name; empty: the names themselves, with spaces for underscores."""
    levels: Annotated[list[float], Field(max_length=MOST_LEVELS)] = Field(default_factory=list)
    """For regression: numbers among which one is answered; empty: whole numbers from the least to the greatest label of
    train."""
    score: AnswerScore = "sum"
    """Log-probability that answers are compared by: of all tokens, its mean a token or a character (without the spaces
    around the answer), or its gain over that behind `premise` (GPT-3, section 2.4)."""
    premise: str = "Answer:"
    """pmi: text of a prompt that knows nothing of the row."""
    calibrate: bool = False
    """Divide the probability of each answer by its mean probability for rows without content (Zhao et al. 2021)."""
    content_free: Annotated[list[str], Field(min_length=1, max_length=10)] = Field(
        default_factory=lambda: ["N/A", "[MASK]", ""]
    )
    """calibrate: texts in the place of the row's own (Zhao et al. 2021, section 5)."""

    write: Writing | None = None
    """Kind `sequence`: how an answer is written, and where it ends."""

    @model_validator(mode="after")
    def _has_known_fields(self) -> Prompt:
        for kind in self.kinds:
            for key in TEMPLATES:
                try:
                    self.template(key, kind)
                except ValueError as error:
                    raise ValueError(f"{key}: {error} (for kind {kind})") from None
            if ANSWER not in self.template("row", kind).fields | self.template("answer", kind).fields:
                raise ValueError("answer: has no {answer}, and neither has `row`: all answers would be the same")
        if SEQUENCE in self.kinds and (self.write is None or len(self.kinds) > 1):
            raise ValueError("write: kind sequence needs it, and a prompt of its own: its answers are not compared")
        if self.write is not None and SEQUENCE not in self.kinds:
            raise ValueError("write: is for kind sequence; answers of the others are compared, by `score`")
        if SEQUENCE in self.kinds and not self.template("answer", SEQUENCE).ends_with(ANSWER):
            raise ValueError("answer: {answer} stands at its end, where the model goes on; put other text into `row`")
        if not self.answer.strip():
            raise ValueError("answer: is empty, so nothing would be scored")
        if self.levels and sorted(set(self.levels)) != self.levels:
            raise ValueError(f"levels: got {self.levels}; takes rising numbers")
        if len(self.levels) == 1:
            raise ValueError("levels: takes two numbers or more")
        return self

    def template(self, key: str, kind: str) -> Template:
        """Return one of `TEMPLATES` for a kind of task. Raises `ValueError` if it has another field."""
        fields = (*fields_of(kind), ANSWER) if key in ("row", "answer") else ()
        return Template.parse(getattr(self, key), fields)


def fields_of(kind: str) -> tuple[str, ...]:
    """Return the fields that the templates of a kind of task may have besides the answer."""
    if kind == SEQUENCE:
        return SEQUENCE_FIELDS
    facts = KIND_FACTS[kind]
    return (*facts.part_fields, *facts.prompt_fields)


def prompt_file(name: str) -> str:
    """Return the path of a prompt's file from the repository's root."""
    return f"{FOLDER}/{name}.yaml"


def read_prompt(name: str, root: Path | str = ".") -> Prompt:
    """Read a prompt by its name.

    Raises:
        PretraceError: there is no such file, or it has an unknown key or field.
    """
    path = Path(root) / prompt_file(name)
    if not path.is_file():
        known = sorted(file.stem for file in path.parent.glob("*.yaml"))
        has = f"{FOLDER}/ has {', '.join(known)}" if known else f"there is no folder {FOLDER}/ with prompts here"
        raise PretraceError(f"{prompt_file(name)}: no such file; {has}")
    return checked(Prompt, read_yaml(path), prompt_file(name))


def prompt_of_task(
    name: str, kind: str, own: str | None, root: Path | str = ".", section: str = "tasks"
) -> tuple[str, Prompt]:
    """Return the prompt of a task with its name: its own, or that of its kind.

    Args:
        name: of the task.
        own: `tasks.<name>.prompt`.
        section: of params.yaml that has the task.

    Raises:
        PretraceError: as `read_prompt`, or the prompt is for other kinds.
    """
    chosen = own or kind
    prompt = read_prompt(chosen, root)
    if kind not in prompt.kinds:
        raise PretraceError(
            f"params.yaml: {section}.{name}.prompt: {chosen} is for {', '.join(prompt.kinds)}; this task is of kind "
            f"{kind}"
        )
    return chosen, prompt
