"""Bodies of requests, as OpenAI's interface has them. Unknown keys are ignored; what would change the answer and is not
there is refused by name.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pretrace.inference.engine.limits import ALTERNATIVES, CHARACTERS, CHOICES, MESSAGES, PROMPTS, STOPS
from pretrace.inference.serving.errors import ApiError
from pretrace.settings.models.generation import COLDEST, GenerationSettings

Text = Annotated[str, Field(max_length=CHARACTERS)]
Ids = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=CHARACTERS)]
Tokens = Annotated[int, Field(ge=0, le=10**6)]
WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "tools": ([],),
    "functions": ([],),
    "tool_choice": ("none", "auto"),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "logit_bias": ({},),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "suffix": ("",),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "web_search_options": (),
}
"""Keys that would change the answer and are not there, and the values, beside null, with which they do nothing."""


class StreamOptions(BaseModel):
    """Settings of a stream."""

    include_usage: bool = False


class Sampling(BaseModel):
    """Keys that both interfaces share."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    model: str = Field(max_length=500)
    n: int = Field(1, ge=1, le=CHOICES)
    temperature: float = Field(1.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int | None = Field(None, ge=1, le=10**6)
    """Not OpenAI's: as for `pretrace generate`."""
    stop: list[str] = Field(default_factory=list, max_length=STOPS)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stream: bool = False
    stream_options: StreamOptions | None = None
    ignore_eos: bool = False
    """Not OpenAI's: true goes on behind the end of a document or an answer."""

    @field_validator("stop", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        return [] if value is None else [value] if isinstance(value, str) else value

    @field_validator("n", "temperature", "top_p", "stream", "ignore_eos", mode="before")
    @classmethod
    def _null_is_default(cls, value: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].default if value is None else value

    def settings(self, tokens: int, stops: list[str]) -> GenerationSettings:
        """Return the settings of generation, with stop texts of the conversation's form beside the client's."""
        return GenerationSettings(
            tokens=tokens,
            temperature=0.0 if self.temperature < COLDEST else self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            stop=[*self.stop, *stops],
            end_of_document=not self.ignore_eos,
        )

    def seeds(self, count: int) -> list[int]:
        """Return a seed for each text: the client's and those after it, or new ones."""
        first = secrets.randbelow(2**32) if self.seed is None else self.seed
        return [(first + number) % 2**63 for number in range(count)]


class CompletionBody(Sampling):
    """Body of `/v1/completions`."""

    prompt: Text | Ids | list[Text] | list[Ids] = ""
    max_tokens: Tokens | None = 16
    echo: bool | None = False
    logprobs: int | None = Field(None, ge=0, le=ALTERNATIVES)
    best_of: int | None = None

    @model_validator(mode="after")
    def _checked(self) -> CompletionBody:
        if not 1 <= len(self.prompts) <= PROMPTS:
            raise ValueError(f"`prompt` takes 1 to {PROMPTS} prompts, got {len(self.prompts)}")
        if self.best_of not in (None, 1, self.n):
            raise ValueError("`best_of` takes the number of `n`: of more, the best is not chosen here")
        return self

    @property
    def prompts(self) -> list[str | list[int]]:
        """One or several, each as text or as token ids."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        if self.prompt and isinstance(self.prompt[0], int):
            return [self.prompt]
        return list(self.prompt)  # type: ignore[arg-type]


class TextPart(BaseModel):
    """A part of a message."""

    type: Literal["text"]
    text: Text


class Message(BaseModel):
    """A message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[TextPart]

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class ChatBody(Sampling):
    """Body of `/v1/chat/completions`."""

    messages: list[Message] = Field(min_length=1, max_length=MESSAGES)
    max_tokens: Annotated[int, Field(ge=1, le=10**6)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=10**6)] | None = None
    logprobs: bool | None = False
    top_logprobs: int | None = Field(None, ge=0, le=ALTERNATIVES)


def check_supported(values: dict[str, Any]) -> None:
    """Raise `ApiError` if a body asks for something that is not there."""
    for key, harmless in WITHOUT_EFFECT.items():
        if key in values and values[key] is not None and values[key] not in harmless:
            raise ApiError(400, f"`{key}` is not supported here; leave it out", key, "unsupported_parameter")
