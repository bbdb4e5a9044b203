"""The sizes that go together: a file in `scales/`."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from pretrace.settings.section import Count, NotNegative, Positive, Rate, Section, Seed, Share, Steps, Width

ModelKind = Literal["transformer", "lstm"]
MODEL_KINDS: tuple[ModelKind, ...] = get_args(ModelKind)
"""Names of the language models; `pretrace.model.build.MODELS` has their classes."""
MAIN_MODEL: ModelKind = "transformer"
"""The model of every run: always pre-trained, and what `pretrain.init_from` and a variant's `layers` are about."""
Precision = Literal["auto", "float32", "tf32", "bfloat16"]
"""Of matrix products. `auto`: bfloat16 where the hardware has them, else float32. `tf32`: float32 numbers, multiplied
with ten bits of mantissa on GPUs from Ampere on; elsewhere the same as float32. All else is float32 always."""


class VocabularySettings(Section):
    """The byte-pair vocabulary (section 4.1)."""

    size: Annotated[int, Field(ge=64, le=1_000_000)]
    """Pieces in the vocabulary, the unknown piece included (GPT-1: 40,478)."""


class ModelSettings(Section):
    """The decoder-only transformer (section 4.1)."""

    layers: Annotated[int, Field(ge=1, le=1000)]
    width: Width
    heads: Width
    feed_forward: Width
    """Inner width of the position-wise network (GPT-1: 4 x width)."""
    context: Annotated[int, Field(ge=8, le=1 << 20)]
    """Longest sequence, in tokens."""
    dropout: Share
    """On embeddings, attention weights and residual branches, in pre-training."""
    embedding_dropout: Literal["sum", "table"]
    """Where it falls on embeddings. `sum`: on a token's embedding and position together, as the paper reads; `table`:
    on the embedding tables before anything is looked up, as the released code has it, so the tied output has the same
    holes."""
    initial_std: Positive
    """Standard deviation of the initial weights (GPT-1: 0.02 at width 768)."""

    @model_validator(mode="after")
    def _heads_divide(self) -> ModelSettings:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


class LSTMSettings(Section):
    """The LSTM of the ablation (section 5, Table 5: one layer of 2,048 units)."""

    layers: Annotated[int, Field(ge=1, le=1000)]
    width: Width
    """Units a layer."""
    embedding: Width
    """Width of the token embeddings, which are also the output's weights."""
    dropout: Share
    initial_std: Positive


class OptimizerSettings(Section):
    """Adam and what goes with it, in pre-training and in fine-tuning (section 4.1)."""

    optimizer: Literal["openai_adam", "adamw"]
    """`openai_adam`: Adam as the released code writes it; `adamw`: torch's own, fused and a little faster."""
    weight_decay: NotNegative
    """Decoupled, on tensors of rank two and more."""
    beta1: Share
    beta2: Share
    clip_norm: Positive
    """Gradients are scaled down to this global norm."""


class PretrainSettings(OptimizerSettings):
    """Generative pre-training (sections 3.1 and 4.1)."""

    seed: Seed
    steps: Steps
    """Optimiser updates."""
    batch_size: Annotated[int, Field(ge=1, le=10**6)]
    """Sequences of `model.context` tokens in an update (GPT-1: 64)."""
    micro_batch: Count | None
    """Sequences that a process holds in memory at once; gradients are summed over the micro-batches of an update. Null:
    as many as fit (pretrace.training.engine.micro_batch says how). The result is the same but for rounding."""
    sharded: bool
    """Several processes: each holds a part of the weights, gradients and moments (FSDP2), and not a copy. For a
    transformer that is too large for one device; the number of processes must divide the batch."""
    lr: Rate
    """Largest rate; linear warm-up to it, then a cosine to zero."""
    warmup_steps: Steps
    precision: Precision
    compile: Literal["auto", "on", "off"]
    """Whether the transformer's blocks go through `torch.compile`. `auto`: on a GPU, where the run is long enough to
    pay for it (pretrace.training.engine.compile has the figures). Where that fails, the run goes on without it."""
    validate_every: Steps
    """Updates between two readings of the validation loss."""
    checkpoint_every: Steps
    """Updates between two checkpoints."""
    sample_every: Steps | None
    """Updates between two sets of sample texts (reports/curves/); null: only at the end (reports/samples.json)."""
    save_at_powers_of_two: bool
    """Keep the weights after 1, 2, 4, 8, ... updates, too: models/pretrained/<model>/steps/."""

    @model_validator(mode="after")
    def _fits_together(self) -> PretrainSettings:
        if self.warmup_steps > self.steps:
            raise ValueError(f"warmup_steps {self.warmup_steps} is more than steps {self.steps}")
        return self


class FinetuneSettings(OptimizerSettings):
    """Supervised fine-tuning (sections 3.2 and 4.1)."""

    lr: Rate
    """Largest rate (GPT-1: 6.25e-5). The top-level `lr` and then a task's or variant's own take its place."""
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    """Passes over the training rows (GPT-1: 3)."""
    batch_size: Annotated[int, Field(ge=1, le=10**6)]
    """Examples in an update (GPT-1: 32)."""
    warmup_share: Share
    """Share of the updates with a rising rate (GPT-1: 0.002); it falls linearly to zero over all of them."""
    lm_weight: NotNegative
    """Weight of the auxiliary language-model loss (GPT-1: 0.5)."""
    dropout: Share
    """On embeddings, attention weights, residual branches and the classifier's input (GPT-1: 0.1)."""
    precision: Precision


class ProbeSettings(Section):
    """How large the probes are (all ours). A corpus too small for them gives fewer rows; the table says how many."""

    rows: dict[str, Count]
    """Training rows by probe; `default` is for those not named."""
    dev_rows: Count
    test_rows: Count
    passage_words: Annotated[int, Field(ge=8, le=10**6)]
    """Words in a passage of `source`."""
    pair_words: Annotated[int, Field(ge=6, le=10**6)]
    """Words in each passage of `same` and `nearness`."""
    context_words: Annotated[int, Field(ge=6, le=10**6)]
    """Words before the cut in `follows` and `cloze`."""
    continuation_words: Annotated[int, Field(ge=4, le=10**6)]
    """Words after the cut."""
    words_per_change: Annotated[int, Field(ge=1, le=10**6)]
    """A changed sentence of `acceptability` has one change for every so many words."""

    @model_validator(mode="after")
    def _has_default(self) -> ProbeSettings:
        if "default" not in self.rows:
            raise ValueError("rows: needs `default`, the number for probes that are not named")
        return self


class Scale(Section):
    """The sizes that go together: one file in `scales/`."""

    processes: Annotated[int, Field(ge=1, le=4096)]
    """Processes of this machine that pre-train together, each with its share of a batch; with GPUs, not more than
    there are. Under `torchrun`, which starts the processes itself, its number takes the place of this one."""
    threads: Annotated[int, Field(ge=1, le=1024)]
    """CPU threads of a pre-training process. Fixed, as the order of sums, and so the last bits, depends on it."""
    vocabulary: VocabularySettings
    model: ModelSettings
    lstm: LSTMSettings
    pretrain: PretrainSettings
    finetune: FinetuneSettings
    probes: ProbeSettings

    def sizes_of(self, kind: str) -> ModelSettings | LSTMSettings:
        """Return the sizes of a language model of one of `MODEL_KINDS`."""
        sizes: dict[str, ModelSettings | LSTMSettings] = {"transformer": self.model, "lstm": self.lstm}
        return sizes[kind]
