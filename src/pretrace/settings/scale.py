"""A scale: sizes that belong together, one file in `scales/`."""

from __future__ import annotations

from collections.abc import Mapping
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
    """A transformer: its sizes, and the settings in which GPT-1, GPT-2, GPT-3 and BERT differ.

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
    positions: Literal["learned", "sinusoidal"] = "learned"
    """Position embeddings. `sinusoidal`: fixed sines, then cosines, of wavelengths from 2 pi to 20,000 pi (the
    Transformer, section 3.5)."""
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
        if self.positions == "sinusoidal" and (self.width % 2 or self.position_std is not None):
            problem = "are fixed, without a `position_std`" if self.width % 2 == 0 else "need an even `width`"
            raise ValueError(f"positions: `sinusoidal` ones {problem}")
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

    @model_validator(mode="after")
    def _predicts_what_it_cannot_see(self) -> Scale:
        if self.model.attention == "full":
            raise ValueError(
                "model.attention: a model with `full` attention sees the token that pre-training has it predict; takes "
                "`causal` or `banded`"
            )
        return self

    def sizes_of(self, kind: str) -> ModelSettings | LSTMSettings:
        """Return the sizes of a language model of one of `MODEL_KINDS`."""
        sizes: dict[str, ModelSettings | LSTMSettings] = {"transformer": self.model, "lstm": self.lstm}
        return sizes[kind]
