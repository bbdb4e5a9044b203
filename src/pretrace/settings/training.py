"""The sections of a scale about training: optimizer, pre-training, fine-tuning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pretrace.settings.objective import ObjectiveSettings
from pretrace.settings.section import Count, NotNegative, Positive, Rate, Section, Share, Steps, Tokens

Precision = Literal["auto", "float32", "tf32", "bfloat16"]
"""Number format of matrix products. `auto`: bfloat16 if the hardware supports it, else float32. `tf32`: float32
multiplied with ten bits of mantissa on GPUs from Ampere on; the same as float32 elsewhere. All other operations use
float32."""
ReadOut = Literal["classify", "likelihoods"]
"""Input of a fine-tuned model's classifier."""
InputFormatName = Literal["delimiters", "segments"]
"""Special tokens of an example of a task; `pretrace.tasks.rows.input_formats` has them."""


class OptimizerSettings(Section):
    """Adam, weight decay and gradient clipping, in pre-training and in fine-tuning (section 4.1)."""

    optimizer: Literal["openai_adam", "adamw", "bert_adam"]
    """`openai_adam`: Adam as in the released code; `adamw`: PyTorch's, fused and a little faster; `bert_adam`: that of
    BERT's code, without correction of the moments' bias and with an epsilon of 1e-6."""
    weight_decay: NotNegative
    """Decoupled weight decay, on tensors with at least two dimensions (GPT-1: 0.01)."""
    beta1: Share
    """Decay rate of the first moment (released code: 0.9)."""
    beta2: Share
    """Decay rate of the second moment (released code: 0.999)."""
    clip_norm: Positive
    """Largest global norm of the gradients; larger ones are scaled down (released code: 1)."""


class BatchGrowth(Section):
    """Batches that grow with the tokens read so far, in a line, to the size of the others (GPT-3, section 2.3).

    Sizes in between are multiples of the first.
    """

    from_tokens: Tokens
    """Tokens of the first batch (GPT-3: 32,000)."""
    over_tokens: Tokens
    """Tokens that are read until a batch has its full size (GPT-3: 4 to 12 billion)."""


class PretrainSettings(OptimizerSettings):
    """Generative pre-training (sections 3.1 and 4.1)."""

    steps: Steps | None = None
    """Optimizer steps; null: as many as it takes to read `tokens`."""
    tokens: Tokens | None = None
    """Tokens to read, instead of `steps` (GPT-3: 300 billion); the last batch may go beyond."""
    flops: Annotated[float, Field(gt=0.0, le=1e30)] | None = None
    """FLOPs of the transformer to spend, instead of `steps`: an equal budget for systems whose tokens cost differently
    (ours). Counted as in reports/pretrain.json; the last batch may go beyond."""
    batch_size: Annotated[int, Field(ge=1, le=10**6)] | None = None
    """Sequences of `model.context` tokens per step, over all ranks (GPT-1: 64); null: as many as `batch_tokens` has. A
    model with memory reads as many tokens, in more and shorter rows: one for each segment of these sequences."""
    batch_tokens: Tokens | None = None
    """Tokens per step, instead of `batch_size` (GPT-3: 0.5 to 3.2 million); the rest of a sequence is left out."""
    batch_growth: BatchGrowth | None = None
    """Smaller batches at the beginning; null: all have the same size."""
    objective: ObjectiveSettings = ObjectiveSettings()
    """Prediction that the model learns."""
    micro_batch: Count | None
    """Sequences per forward and backward pass on each rank; gradients are accumulated over a step.
    Null: as many as fit in memory (pretrace.training.engine.micro_batch). Results differ by rounding only."""
    unit: Count | None = None
    """Sequences of a unit, on CPUs (ours): gradients are summed by unit in a fixed order, so that 1, 2, 4, 8, ...
    processes give the same bytes, however many resume a run. Null: bytes depend on the number of processes."""
    sharded: bool
    """Shard weights, gradients and optimizer state over the ranks (FSDP2) instead of replicating them, for a model that
    is too large for one device. The world size must divide the batch size."""
    lr: Rate
    """Peak learning rate: linear warm-up from zero, then a decay (GPT-1: 2.5e-4)."""
    warmup_steps: Steps | None = None
    """Steps of warm-up (GPT-1: 2000)."""
    warmup_tokens: Tokens | None = None
    """Tokens of warm-up, instead of `warmup_steps` (GPT-3: 375 million)."""
    schedule: Literal["cosine", "linear", "inverse_sqrt"] = "cosine"
    """Decay of the rate, which counts from step 0 and applies after the warm-up. `cosine`: to zero (GPT-1, GPT-3);
    `linear`: to zero (BERT); `inverse_sqrt`: with the root of the steps since the start (the Transformer)."""
    floor_share: Share = 0.0
    """Share of `lr` that the decay ends at, instead of zero (GPT-3: 0.1)."""
    decay_tokens: Tokens | None = None
    """Tokens after which the decay has ended and the rate stays (GPT-3: 260 billion); null: those of the whole run."""
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

    @model_validator(mode="after")
    def _sums_by_unit_alone(self) -> PretrainSettings:
        if self.unit and self.sharded:
            raise ValueError("pretrain.unit: with `sharded` ranks sum as FSDP does; takes null, or `sharded: false`")
        if self.unit and self.compile == "on":
            raise ValueError("pretrain.unit: kernels that sum by unit are not compiled; takes null, or `compile: auto`")
        return self

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
        lengths = ("steps", "tokens", "flops"), ("batch_size", "batch_tokens"), ("warmup_steps", "warmup_tokens")
        for names in lengths:
            if sum(getattr(self, name) is not None for name in names) != 1:
                *others, last = (f"`{name}`" for name in names)
                raise ValueError(f"needs {', '.join(others)} or {last}, one of them and no more")
        for length, warmup in (("steps", "warmup_steps"), ("tokens", "warmup_tokens")):
            most, least = getattr(self, length), getattr(self, warmup)
            if most is not None and least is not None and least > most:
                raise ValueError(f"{warmup} {least} is more than {length} {most}")
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
    input_format: InputFormatName = "delimiters"
    """Special tokens of an example. `delimiters`: start, delimiter and classify, which are new; the classifier reads
    the state of the last (GPT-1, section 3.3). `segments`: [CLS] and [SEP] of the vocabulary, with a segment for each
    text where the model has them; the classifier reads the pooled state of the first, or of the last where attention is
    causal (BERT, section 3; the latter ours). Two texts without an order are read in one."""

    @model_validator(mode="after")
    def _reads_what_the_format_has(self) -> FinetuneSettings:
        if self.input_format == "segments" and self.read_out != "classify":
            raise ValueError("read_out: `likelihoods` reads texts between delimiters; `segments` take `classify`")
        return self
