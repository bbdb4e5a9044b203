"""A scale: sizes that belong together, one file in `scales/`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from pretrace.settings.section import Count, NotNegative, Positive, Rate, Section, Share, Steps, Width

ModelKind = Literal["transformer", "lstm"]
MODEL_KINDS: tuple[ModelKind, ...] = get_args(ModelKind)
"""Names of the language models; `pretrace.model.build.MODELS` has their classes."""
MAIN_MODEL: ModelKind = "transformer"
"""The model of every run: always pre-trained, and what `pretrain.init_from` and a variant's `layers` are about."""
Precision = Literal["auto", "float32", "tf32", "bfloat16"]
"""Number format of matrix products. `auto`: bfloat16 if the hardware supports it, else float32. `tf32`: float32
multiplied with ten bits of mantissa on GPUs from Ampere on; the same as float32 elsewhere. All other operations use
float32."""


class VocabularySettings(Section):
    """The byte-pair vocabulary (section 4.1)."""

    size: Annotated[int, Field(ge=64, le=1_000_000)]
    """Tokens in the vocabulary, including the unknown token (GPT-1: 40,478)."""


class ModelSettings(Section):
    """The decoder-only transformer (section 4.1)."""

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

    @model_validator(mode="after")
    def _heads_divide(self) -> ModelSettings:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
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


ReadOut = Literal["classify", "likelihoods"]
"""Input of a fine-tuned model's classifier."""


class OptimizerSettings(Section):
    """Adam, weight decay and gradient clipping, in pre-training and in fine-tuning (section 4.1)."""

    optimizer: Literal["openai_adam", "adamw"]
    """`openai_adam`: Adam as in the released code; `adamw`: PyTorch's, fused and a little faster."""
    weight_decay: NotNegative
    """Decoupled weight decay, on tensors with at least two dimensions (GPT-1: 0.01)."""
    beta1: Share
    """Decay rate of the first moment (released code: 0.9)."""
    beta2: Share
    """Decay rate of the second moment (released code: 0.999)."""
    clip_norm: Positive
    """Largest global norm of the gradients; larger ones are scaled down (released code: 1)."""


class PretrainSettings(OptimizerSettings):
    """Generative pre-training (sections 3.1 and 4.1)."""

    steps: Steps
    """Optimizer steps."""
    batch_size: Annotated[int, Field(ge=1, le=10**6)]
    """Sequences of `model.context` tokens per step, over all ranks (GPT-1: 64)."""
    micro_batch: Count | None
    """Sequences per forward and backward pass on each rank; gradients are accumulated over a step.
    Null: as many as fit in memory (pretrace.training.engine.micro_batch). Results differ by rounding only."""
    sharded: bool
    """Shard weights, gradients and optimizer state over the ranks (FSDP2) instead of replicating them, for a model that
    is too large for one device. The world size must divide the batch size."""
    lr: Rate
    """Peak learning rate: linear warm-up from zero, then cosine decay to zero (GPT-1: 2.5e-4)."""
    warmup_steps: Steps
    """Steps of warm-up (GPT-1: 2000)."""
    precision: Precision
    compile: Literal["auto", "on", "off"]
    """Use of `torch.compile` for the transformer's blocks. `auto`: on a GPU, if the run is long enough to pay for it
    (figures in pretrace.training.engine.compile). If compilation fails, training continues without it."""
    validate_every: Steps
    """Steps between evaluations of the validation loss."""
    checkpoint_every: Steps
    """Steps between checkpoints."""
    sample_every: Steps | None
    """Steps between sets of sample texts (reports/curves/); null: only at the end (reports/samples.json)."""
    save_at_powers_of_two: bool
    """Also save the weights after steps 1, 2, 4, 8, ...: models/pretrained/<model>/steps/."""

    @model_validator(mode="before")
    @classmethod
    def _has_no_seed(cls, values: Any) -> Any:
        if isinstance(values, dict) and "seed" in values:
            raise ValueError(
                f"`seed: {values['seed']}` has moved to params.yaml, as the list `pretrain.seeds`; remove it here"
            )
        return values

    @model_validator(mode="after")
    def _is_consistent(self) -> PretrainSettings:
        if self.warmup_steps > self.steps:
            raise ValueError(f"warmup_steps {self.warmup_steps} is more than steps {self.steps}")
        return self


class FinetuneSettings(OptimizerSettings):
    """Supervised fine-tuning (sections 3.2 and 4.1)."""

    lr: Rate
    """Peak learning rate (GPT-1: 6.25e-5). Overridden by the top-level `lr`, and that by a task or variant."""
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    """Passes over the training rows (GPT-1: 3)."""
    batch_size: Annotated[int, Field(ge=1, le=10**6)]
    """Examples per step (GPT-1: 32)."""
    warmup_share: Share
    """Share of the steps with linear warm-up (GPT-1: 0.002); the rate then decays linearly to zero."""
    lm_weight: NotNegative
    """Weight of the auxiliary language-model loss (GPT-1: 0.5)."""
    dropout: Share
    """Dropout on embeddings, attention weights, residual branches and the input of the task head (GPT-1: 0.1)."""
    precision: Precision
    read_out: ReadOut = "classify"
    """Input of the classifier. `classify`: the state at the classify token (GPT-1, section 3.2). `likelihoods`: also
    the mean log-probability of each text, alone and given the text before it, and the classifier is fitted to the
    model as it starts before both are fine-tuned (ours, for tasks of some hundred steps; fitting first: Kumar et al.
    2022, "Fine-tuning can distort pretrained features")."""


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

    processes: Annotated[int, Field(ge=1, le=4096)]
    """Ranks on this host that pre-train together, each on its share of the batch; at most one per GPU, if there are
    any. `torchrun` starts the ranks itself and overrides this number."""
    threads: Annotated[int, Field(ge=1, le=1024)]
    """CPU threads per rank in pre-training. Fixed, because the order of sums, and so the last bits, depends on it."""
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
