"""The objective of a pre-training: what a model learns to predict."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pretrace.settings.section import Count, PositiveShare, Section, Share

WholeShare = Annotated[float, Field(ge=0.0, le=1.0)]


class ObjectiveSettings(Section):
    """The next token (GPT-1, section 3.1), or masked tokens (BERT: Devlin et al. 2018, section 3.1, and its code)."""

    kind: Literal["next_token", "masked", "both_directions", "in_order"] = "next_token"
    """`next_token`: each token from those before it. `masked`: some tokens from all others; such a model has
    `model.attention: full`, and its loss is no perplexity. `both_directions`: each token from those before it, and from
    those behind it, the mean of both losses (ELMo: Peters et al. 2018, section 3.1); of a model of kind `elmo`.
    `in_order`: each token from those before it; each row of a batch goes on where it ended in the step before, with the
    memory of it (Transformer-XL: Dai et al. 2019, section 3.2); of a transformer with `model.memory_share`."""
    mask_rate: PositiveShare = 0.15
    """Share of a sequence's tokens to predict, at least one and never a special token (BERT: 0.15)."""
    mask_share: WholeShare = 0.8
    """Share of these that the model reads as the mask token (BERT: 0.8)."""
    random_share: WholeShare = 0.1
    """Share of these that it reads as a random token of the vocabulary (BERT: 0.1); it reads the rest as they are."""
    masks: Literal["dynamic", "static"] = "dynamic"
    """`dynamic`: other masks each time a sequence is read (RoBERTa); `static`: the same again after `copies` epochs
    (BERT)."""
    copies: Count = 10
    """Epochs after which static masks come again (BERT: 10)."""
    next_sentence: bool = False
    """Sequences are pairs of texts, and the model also learns if the second follows the first in its document, as half
    of them do; the others are from another document (BERT). Needs `model.next_sentence` and two `model.segments`."""
    short_share: Share = 0.1
    """Share of these pairs that are of a random shorter length (BERT: 0.1)."""

    evaluation_memory: list[Annotated[int, Field(ge=1, le=1000)]] = Field(default_factory=list)
    """For `in_order`: lengths of memory with which the validation loss is also measured at the end, as multiples of
    that in training (Transformer-XL: about 4); with them, the loss without memory in windows of the context, as other
    models are read. It changes no weights."""

    @property
    def predicted_share(self) -> float:
        """Share of tokens that the output predicts from; 2 where each is predicted twice."""
        return {"masked": self.mask_rate, "both_directions": 2.0}.get(self.kind, 1.0)

    @model_validator(mode="after")
    def _is_consistent(self) -> ObjectiveSettings:
        if self.mask_share + self.random_share > 1:
            raise ValueError(f"mask_share {self.mask_share} and random_share {self.random_share} are more than 1")
        of_kind = {"kind", "evaluation_memory"} if self.kind == "in_order" else {"kind"}
        if self.kind != "masked" and (more := self.model_fields_set - of_kind):
            name = sorted(more)[0]
            other = "in_order" if name == "evaluation_memory" else "masked"
            raise ValueError(f"`{name}` is for `kind: {other}`")
        if self.kind == "masked" and self.evaluation_memory:
            raise ValueError("`evaluation_memory` is for `kind: in_order`")
        if len(set(self.evaluation_memory)) < len(self.evaluation_memory):
            raise ValueError(f"evaluation_memory {self.evaluation_memory}: the same length twice")
        return self
