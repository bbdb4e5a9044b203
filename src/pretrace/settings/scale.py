"""A scale: sizes that belong together, one file in `scales/`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from pretrace.settings.learners.sequence import SequenceSettings
from pretrace.settings.models.elmo import ElmoSettings
from pretrace.settings.models.word2vec import Word2VecSettings
from pretrace.settings.section import Count, Positive, Section, Share, Width
from pretrace.settings.training import FinetuneSettings, PretrainSettings

ModelKind = Literal["transformer", "lstm", "word2vec", "elmo", "encoder_decoder"]
ENCODER_DECODER: ModelKind = "encoder_decoder"
"""The Transformer of 2017, which learns tasks of the kind `sequence` and is no language model."""
MODEL_KINDS: tuple[ModelKind, ...] = tuple(kind for kind in get_args(ModelKind) if kind != ENCODER_DECODER)
"""Names of the language models; `pretrace.model.build.MODELS` has their classes."""
TRANSFORMER: ModelKind = "transformer"
"""The kind of GPT-1, and what `pretrain.init_from` and a variant's `layers` are about."""
TWO_STACKS: dict[str, tuple[Any, ...]] = {
    "attention": ("causal",),
    "embedding_dropout": ("sum",),
    "embedding_norm": (False,),
    "next_sentence": (False,),
    "output": ("tied", "tied_bias"),
    "positions": ("sinusoidal", "learned"),
    "position_std": (None,),
    "residual_init": ("plain",),
    "segments": (0,),
}
"""Values of `model` that an encoder-decoder has."""
LEAST_BYTE_TOKENS = 257
"""Of a byte-level vocabulary: the bytes and the end of a document."""


class VocabularySettings(Section):
    """The vocabulary."""

    size: Annotated[int, Field(ge=64, le=1_000_000)]
    """Tokens in the vocabulary, special ones and the unknown token included (GPT-1: 40,478; GPT-2: 50,257; BERT:
    30,522)."""
    kind: Literal["words_bpe", "byte_bpe", "wordpiece", "words"] = "words_bpe"
    """`words_bpe`: pairs of characters, merged in the words of GPT-1's recipe (section 4.1). `byte_bpe`: pairs of bytes
    of text as it is, with <|endoftext|> between documents (GPT-2: Radford et al. 2019, section 2.2). `wordpiece`:
    BERT's pieces of words (Devlin et al. 2018, section 3). `words`: whole words of GPT-1's recipe, at most `size`
    (word2vec)."""
    lower_case: bool = True
    """For `wordpiece`: whether letters become small and lose their accents (BERT's uncased models) or stay (cased).
    Words of `words_bpe` always become small, and bytes never."""
    min_count: Count | None = None
    """For `words`: occurrences that a word needs; null: 5 (word2vec.c)."""

    @model_validator(mode="after")
    def _is_consistent(self) -> VocabularySettings:
        if self.kind == "byte_bpe" and self.size < LEAST_BYTE_TOKENS:
            raise ValueError(f"size: got {self.size}; `byte_bpe` takes {LEAST_BYTE_TOKENS} or more: 256 are the bytes")
        if not self.lower_case and self.kind != "wordpiece":
            raise ValueError(f"lower_case: false is for `wordpiece`; `{self.kind}` has no such choice")
        if self.min_count is not None and self.kind != "words":
            raise ValueError(f"min_count: is for `words`; `{self.kind}` makes tokens of all words")
        return self


class ModelSettings(Section):
    """A transformer: its sizes, and the settings in which GPT-1, GPT-2, GPT-3, BERT and Transformer-XL differ.

    The latter have GPT-1's values (section 4.1) where a file does not name them. Sources: GPT-2, Radford et al. 2019,
    section 2.3; GPT-3, Brown et al. 2020, section 2.1; BERT, Devlin et al. 2018, section 3 and released code; the
    Transformer, Vaswani et al. 2017, section 3, and tensor2tensor.
    """

    layers: Annotated[int, Field(ge=1, le=1000)]
    """Transformer blocks (GPT-1: 12)."""
    width: Width
    """Size of the hidden states (GPT-1: 768)."""
    heads: Width
    """Attention heads; they divide the width (GPT-1: 12)."""
    feed_forward: Width
    """Inner width of the position-wise feed-forward network (GPT-1: 4 x width)."""
    context: Annotated[int, Field(ge=8, le=1 << 20)]
    """Longest sequence, in tokens (GPT-1: 512)."""
    dropout: Share
    """Dropout on embeddings, attention weights and residual branches in pre-training (GPT-1: 0.1)."""
    embedding_dropout: Literal["sum", "table"]
    """Where dropout applies to embeddings. `sum`: on the sum of token and position embedding, as the paper describes.
    `table`: on the embedding tables before the look-up, as in the released code, so that the tied output weights are
    dropped alike."""
    initial_std: Positive
    """Standard deviation of the initial weights (GPT-1: 0.02 at width 768)."""
    norm: Literal["post", "pre"] = "post"
    """Place of the layer norms. `post`: after each sum of a block (GPT-1, BERT, the Transformer). `pre`: before
    attention and before the feed-forward network, and once after the last block (GPT-2, GPT-3)."""
    norm_epsilon: Positive = 1e-5
    """Added to the variance in layer norms (GPT-1, GPT-2: 1e-5; BERT: 1e-12; the Transformer: 1e-6)."""
    embedding_norm: bool = False
    """A layer norm of the sum of the embeddings, before its dropout (BERT)."""
    attention: Literal["causal", "full", "banded"] = "causal"
    """Tokens that a token attends to. `causal`: itself and those before. `full`: all (BERT); such a model predicts no
    next token. `banded`: causal, and in every second layer, from the second on, only within the `window` (GPT-3, which
    does not print which layers; GPT-Neo's order)."""
    window: Width | None = None
    """Tokens that a token of a banded layer attends to: itself and `window` - 1 before it (GPT-3: not printed; GPT-Neo:
    256). Null unless `attention: banded`."""
    positions: Literal["learned", "sinusoidal", "relative"] = "learned"
    """Position embeddings. `sinusoidal`: fixed sines, then cosines, of wavelengths from 2 pi to 20,000 pi (the
    Transformer, section 3.5). `relative`: none, but attention that sees how far back a token is (Transformer-XL: Dai et
    al. 2019, section 3.3); with `attention: causal`."""
    memory_share: Share = 0.0
    """Share of `context` that is memory: states of what was read before, in every layer, which the rest of it, the
    segment that is read at once, attends to as well (Transformer-XL: 0.5, as long as the segment). The segment divides
    the context. Needs `positions: relative` and `pretrain.objective.kind: in_order`."""
    position_std: Positive | None = None
    """Standard deviation of initial position embeddings; null: `initial_std` (GPT-2's code: 0.01, half the others')."""
    segments: Annotated[int, Field(ge=0, le=1000)] = 0
    """Kinds of text that have an embedding, added to that of each token (BERT: 2)."""
    activation: Literal["gelu_tanh", "gelu", "relu"] = "gelu_tanh"
    """Between the layers of the feed-forward network. `gelu_tanh`: GELU's tanh form (GPT-1, GPT-2, Google's BERT);
    `gelu`: its exact form (Hugging Face's BERT), up to 5e-4 apart; `relu`: the Transformer."""
    attention_bias: bool = True
    """Biases of queries, keys, values and of the attention's output (the Transformer's code: none)."""
    embedding_scale: Literal["one", "sqrt_width"] = "one"
    """Factor of token embeddings where they are read, not in the output. `sqrt_width`: the Transformer, section 3.4."""
    output: Literal["tied", "tied_bias", "transform"] = "tied"
    """From hidden states to logits. `tied`: the token embeddings; `tied_bias`: with a bias for each token; `transform`:
    before that a linear layer, the activation and a layer norm (BERT)."""
    next_sentence: bool = False
    """A second output, which says if the second of two texts follows the first: a pooler (a linear layer and tanh on
    the state of the first token) and a linear layer with two outputs (BERT)."""
    residual_init: Literal["plain", "depth"] = "plain"
    """Initial weights of the two layers of a block that are added to its input. `depth`: divided by the square root of
    twice the number of layers (GPT-2, section 2.3, as Hugging Face and Megatron read it)."""

    @property
    def memory(self) -> int:
        """Tokens of memory in pre-training."""
        return round(self.memory_share * self.context)

    @property
    def segment(self) -> int:
        """Tokens that pre-training reads of a text at once."""
        return self.context - self.memory

    def form(self) -> dict[str, Any]:
        """Return the settings besides sizes that decide what weights compute; those of initial weights do not."""
        fields = type(self).model_fields.items()
        optional = [name for name, field in fields if not field.is_required()]
        return {name: getattr(self, name) for name in optional if name not in ("position_std", "residual_init")}

    def unlike(self, form: Mapping[str, Any]) -> list[str]:
        """Return the settings of form whose value is another than in `form`, or than GPT-1's if it has none."""
        gpt1 = {name: field.default for name, field in type(self).model_fields.items()}
        return [name for name, value in self.form().items() if value != form.get(name, gpt1[name])]

    @model_validator(mode="after")
    def _is_consistent(self) -> ModelSettings:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if (self.attention == "banded") != (self.window is not None):
            needs = "needs a `window`, in tokens" if self.window is None else "takes no `window`; only `banded` does"
            raise ValueError(f"attention: `{self.attention}` {needs}")
        if self.positions != "learned" and (self.width % 2 or self.position_std is not None):
            problem = "are fixed, without a `position_std`" if self.width % 2 == 0 else "need an even `width`"
            raise ValueError(f"positions: `{self.positions}` ones {problem}")
        if self.positions == "relative" and self.attention != "causal":
            raise ValueError(
                f"positions: `relative` ones look back, with `attention: causal` and not `{self.attention}`"
            )
        if self.memory_share and self.positions != "relative":
            raise ValueError(
                "memory_share: what is remembered has no position in a segment; needs `positions: relative`, and not "
                f"`{self.positions}`"
            )
        if not self.segment or self.context % self.segment:
            raise ValueError(
                f"memory_share: got {self.memory_share:g}, which leaves a segment of {self.segment} tokens; takes a "
                f"share whose segment divides `context`, {self.context}, such as 0.5"
            )
        return self


class LSTMSettings(Section):
    """The LSTM of the ablation (section 5, Table 5: one layer of 2,048 units)."""

    layers: Annotated[int, Field(ge=1, le=1000)]
    width: Width
    """Hidden units per layer."""
    embedding: Width
    """Size of the token embeddings, which are also the output weights (tied)."""
    dropout: Share
    """Dropout on embeddings and hidden states in pre-training."""
    initial_std: Positive
    """Standard deviation of the initial weights."""


Sizes = ModelSettings | LSTMSettings | Word2VecSettings | ElmoSettings
"""Sizes of a model of any kind."""


class ProbeSettings(Section):
    """Sizes of the probes (all ours). A corpus that is too small gives fewer rows; the table shows how many."""

    rows: dict[str, Count]
    """Training rows by probe; `default` for probes that are not named."""
    dev_rows: Count
    """Dev rows of each probe."""
    test_rows: Count
    """Test rows of each probe."""
    passage_words: Annotated[int, Field(ge=8, le=10**6)]
    """Words in a passage of `source`."""
    pair_words: Annotated[int, Field(ge=6, le=10**6)]
    """Words in each passage of `same` and `nearness`."""
    context_words: Annotated[int, Field(ge=6, le=10**6)]
    """Words before the cut in `follows` and `cloze`."""
    continuation_words: Annotated[int, Field(ge=4, le=10**6)]
    """Words after the cut."""
    words_per_change: Annotated[int, Field(ge=1, le=10**6)]
    """Words per change in a changed sentence of `acceptability`."""

    @model_validator(mode="after")
    def _has_default(self) -> ProbeSettings:
        if "default" not in self.rows:
            raise ValueError("rows: needs `default`, the number of rows of probes that are not named")
        return self


class Scale(Section):
    """Sizes that belong together: one file in `scales/`."""

    processes: Annotated[int, Field(ge=1, le=4096)] | Literal["auto"]
    """Ranks on this host that pre-train together, each on its share of the batch; at most one per GPU, if there are
    any. `torchrun` starts the ranks itself and overrides this number. `auto`, with `pretrain.unit`: as many as there
    are CPUs, or GPUs, rounded down to 1, 2, 4, 8, ..., and at most as many as a batch has units."""
    threads: Annotated[int, Field(ge=1, le=1024)]
    """CPU threads per rank in pre-training. Fixed, because the order of sums, and so the last bits, depends on it."""
    kind: ModelKind = TRANSFORMER
    """Kind of the model, of a system's file: a `transformer` or an `encoder_decoder` with the sizes of `model`, or an
    `lstm`, `word2vec` or `elmo` with its own and the context of `model`."""
    vocabulary: VocabularySettings
    model: ModelSettings
    lstm: LSTMSettings
    word2vec: Word2VecSettings | None = None
    """Of a system's file alone, with values for a scale under `at`; null: the defaults."""
    elmo: ElmoSettings | None = None
    """As `word2vec`."""
    pretrain: PretrainSettings
    finetune: FinetuneSettings
    sequence: SequenceSettings | None = None
    """Training on pairs of texts (`learners`); null: the defaults, which are those of the Transformer's base model."""
    probes: ProbeSettings

    @model_validator(mode="after")
    def _has_bytes_that_no_machine_decides(self) -> Scale:
        if self.processes == "auto" and not self.pretrain.unit:
            raise ValueError(
                "processes: with `auto` the bytes would depend on the machine; takes a number, or set `pretrain.unit`"
            )
        return self

    @model_validator(mode="after")
    def _predicts_what_it_cannot_see(self) -> Scale:
        objective, full = self.pretrain.objective, self.model.attention == "full"
        if (self.kind == "elmo") != (objective.kind == "both_directions"):
            raise ValueError(
                f"pretrain.objective.kind: got `{objective.kind}` for a model of kind `{self.kind}`; `both_directions` "
                "is for `elmo`, which takes nothing else"
            )
        if self.kind == "elmo" and self.pretrain.sample_every is not None:
            raise ValueError("pretrain.sample_every: a model of both directions writes no text; takes null")
        if self.kind != TRANSFORMER:
            if objective.kind == "masked":
                raise ValueError(
                    f"pretrain.objective.kind: `masked` is for a {TRANSFORMER}; the {self.kind} never sees both sides "
                    "of a token, and takes `next_token`"
                )
            return self
        if full and objective.kind != "masked":
            raise ValueError(
                "model.attention: a model with `full` attention sees the token that pre-training has it predict; takes "
                "`causal` or `banded`, or `pretrain.objective.kind: masked`"
            )
        if objective.kind == "masked" and not full:
            raise ValueError(
                "pretrain.objective.kind: `masked` is for a model that sees what follows a masked token: "
                f"`model.attention: full`, and not `{self.model.attention}`"
            )
        if objective.kind == "masked" and self.pretrain.sample_every is not None:
            raise ValueError("pretrain.sample_every: a model of masked tokens writes no text; takes null")
        return self

    @model_validator(mode="after")
    def _remembers_what_it_reads_in_order(self) -> Scale:
        section, memory = self.pretrain, self.carried_tokens
        in_order = section.objective.kind == "in_order"
        if in_order and not memory:
            raise ValueError(
                f"pretrain.objective.kind: `in_order` is for a {TRANSFORMER} with `model.memory_share`; others take "
                "`next_token`"
            )
        if memory and not in_order:
            raise ValueError(
                f"model.memory_share: got {self.model.memory_share:g}; texts not read in order have no memory; takes "
                "0, or `pretrain.objective.kind: in_order`"
            )
        if in_order and section.batch_growth:
            raise ValueError(
                "pretrain.batch_growth: rows that begin later would have no memory; with `objective.kind: in_order` "
                "takes null"
            )
        return self

    @model_validator(mode="after")
    def _has_outputs_for_pairs(self) -> Scale:
        pairs = self.pretrain.objective.next_sentence
        if pairs and self.model.segments < 2:
            raise ValueError(
                f"model.segments: `pretrain.objective.next_sentence` reads two texts, each a segment; takes 2 or more, "
                f"and not {self.model.segments}"
            )
        if pairs != self.model.next_sentence:
            other = "`pretrain.objective.next_sentence: true` trains it" if not pairs else "the objective needs it"
            raise ValueError(f"model.next_sentence: got {str(self.model.next_sentence).lower()}, but {other}")
        return self

    @model_validator(mode="after")
    def _has_the_form_of_two_stacks(self) -> Scale:
        if self.kind == ENCODER_DECODER:
            for name, accepted in TWO_STACKS.items():
                if (value := getattr(self.model, name)) not in accepted:
                    takes = " or ".join(str(one) for one in accepted)
                    raise ValueError(f"model.{name}: got {value}; an `{ENCODER_DECODER}` takes {takes}")
        return self

    @property
    def pairs(self) -> SequenceSettings:
        """Training on pairs of texts."""
        return self.sequence or SequenceSettings()

    @property
    def sequence_tokens(self) -> int:
        """Tokens of a sequence of pre-training: the context, or with memory a segment of it."""
        return self.model.context - self.carried_tokens

    @property
    def carried_tokens(self) -> int:
        """Tokens whose states are carried from step to step of pre-training."""
        return self.model.memory if self.kind == TRANSFORMER else 0

    @property
    def sizes(self) -> Sizes:
        """The sizes of the model."""
        sizes: dict[ModelKind, Sizes] = {"transformer": self.model, "lstm": self.lstm}
        sizes |= {"word2vec": self.word2vec or Word2VecSettings(), "elmo": self.elmo or ElmoSettings()}
        sizes[ENCODER_DECODER] = self.model
        return sizes[self.kind]
