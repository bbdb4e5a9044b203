"""Sections about training: demonstrations, reward model, PPO and what it is compared with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pretrace.settings.section import Count, NotNegative, Positive, PositiveShare, Rate, Section, Share
from pretrace.settings.training import OptimizerSettings, Precision


class StageOptimizer(OptimizerSettings):
    """Adam as InstructGPT has it (appendix C), where the paper says so."""

    optimizer: Literal["openai_adam", "adamw"] = "adamw"
    """Form of Adam (not printed)."""
    weight_decay: NotNegative = 0.0
    """Decoupled weight decay (not printed)."""
    beta1: Share = 0.9
    """Decay rate of the first moment (InstructGPT: 0.9)."""
    beta2: Share = 0.95
    """Decay rate of the second moment (InstructGPT: 0.95)."""
    clip_norm: Positive = 1.0
    """Largest global norm of the gradients (not printed)."""
    checkpoint_every: Count = 50
    """Optimizer steps between checkpoints; in PPO the next end of an update (ours)."""


class EpochSettings(StageOptimizer):
    """Passes over rows, with a rate that falls as a cosine and without warm-up (InstructGPT, appendix C)."""

    lr: Rate
    """Peak rate (InstructGPT, demonstrations: 9.65e-6 at 1.3B and 6B, 5.03e-6 at 175B; reward model: 9e-6; DPO's paper:
    1e-6)."""
    epochs: Count = 1
    """Passes (InstructGPT, demonstrations: 16, and 2 for the start of PPO; reward model: 1, as more overfits at once;
    DPO's paper: 1)."""
    batch_size: Count
    """Rows of a step (InstructGPT, demonstrations: 32, 8 at 175B; reward model: 64 prompts, each with all its
    answers)."""
    floor_share: Share = 0.1
    """Share of `lr` at which the cosine ends (InstructGPT: 0.1)."""


class Demonstrations(EpochSettings):
    """Supervised fine-tuning: the loss is of answers and their end marks alone (whether prompts count is not
    printed).
    """

    dropout: Share = 0.0
    """Dropout (InstructGPT: 0.2, on residual branches)."""


class RewardSettings(EpochSettings):
    """The reward model: a language model with a scalar head on the state of an answer's last token."""

    use_margin: bool = False
    """True subtracts the difference of scores from that of rewards, where rows have scores (Llama 2, section 3.2.2;
    InstructGPT: none)."""
    calibration: Count = 256
    """Answers of the start policy that gain and bias are set on, so that rewards have mean 0 and variance 1
    (lm-human-preferences: 256; InstructGPT: the bias alone, so that demonstrations have mean 0)."""


class PenaltySettings(Section):
    """The per-token KL penalty against the start policy."""

    coefficient: NotNegative
    """Beta (InstructGPT: 0.02, section 4.3; lm-human-preferences: 0.15, adaptive)."""
    target: Positive | None = None
    """KL of an answer, in nats, that the coefficient is adapted to (lm-human-preferences: 6); null: it stays
    (InstructGPT)."""
    horizon: Count = 10_000
    """Episodes over which it adapts (lm-human-preferences: 10,000)."""


class PretrainingMix(Section):
    """Gradients of pre-training mixed into PPO's (PPO-ptx, section 3.5)."""

    coefficient: NotNegative = 0.0
    """Gamma (InstructGPT: 27.8; 0 is plain PPO). Here both losses are means over tokens, so its scale is ours."""
    sequences: Count = 8
    """Pre-training sequences of a minibatch (InstructGPT: 8 an episode)."""


class PpoSettings(StageOptimizer):
    """Proximal policy optimization; the value network starts as the reward model (appendix C)."""

    updates: Count
    """Rollouts, each followed by its optimizer steps (InstructGPT: 500: 256,000 episodes)."""
    episodes: Count
    """Answers of a rollout (InstructGPT: 512)."""
    minibatches: Count = 8
    """Equal parts of a rollout, an optimizer step each (InstructGPT: 8 of 64)."""
    epochs: Count = 1
    """Passes over a rollout (InstructGPT: 1; lm-human-preferences: 4)."""
    lr: Rate
    """Rate of the policy, constant (InstructGPT: 5e-6, 1.04e-5, 2.45e-6 for its start at 1.3B, 6B, 175B; of PPO only
    that above 8.05e-6 it diverged without the mix)."""
    value_lr: Rate
    """Rate of the value network (InstructGPT: 9e-6; 5e-6 at 175B)."""
    warmup_updates: int = Field(default=10, ge=0, le=10**6)
    """Updates over which both rates rise from a tenth (InstructGPT: 10)."""
    temperature: PositiveShare = 1.0
    """Divides the logits, in sampling and in all log-probabilities (InstructGPT: 1; lm-human-preferences: 0.7)."""
    clip: PositiveShare = 0.2
    """Clip range of the ratio (InstructGPT: 0.2)."""
    value_clip: Positive | None = 0.2
    """Clip range of the value's change; null: none (not printed; lm-human-preferences: 0.2)."""
    gamma: PositiveShare = 1.0
    """Discount (InstructGPT: 1)."""
    gae_lambda: PositiveShare = 0.95
    """Lambda of generalized advantage estimation (not printed; lm-human-preferences: 0.95)."""
    whiten_rewards: bool = False
    """True gives a rollout's per-token rewards variance 1 around their own mean (not printed; lm-human-preferences:
    true, of each minibatch)."""
    whiten_advantages: bool = True
    """True gives a rollout's advantages mean 0 and variance 1 (not printed; lm-human-preferences: true, of each
    minibatch)."""
    kl: PenaltySettings
    mix: PretrainingMix = PretrainingMix()
    missing_end: float | None = Field(default=None, ge=-1e6, le=1e6)
    """Score of an answer without an end mark, instead of its reward (not printed; lm-human-preferences: -1); null: its
    reward."""
    ema: Share = 0.0
    """Decay of the running mean of the policy's weights, which is the result (InstructGPT: 0.992); 0: none."""
    warn_kl: Positive = 50.0
    """Nats of KL above which training warns that it runs away (ours)."""


class DpoSettings(EpochSettings):
    """Direct preference optimization, to compare with (Rafailov et al. 2023)."""

    beta: Positive = 0.1
    """Strength of the implicit KL penalty (Rafailov et al.: 0.1)."""


class Arm(Section):
    """One way to a policy, which is measured beside the others."""

    method: Literal["ppo", "dpo", "rejection", "demonstrations"]
    """`rejection`: supervised fine-tuning on the best of `best_of` answers; `demonstrations`: on the training prompts'
    own continuations whose gold reward is in the upper half."""
    reward: Literal["model", "gold", "shuffled"] = "model"
    """Reward of PPO: the reward model; the gold reward; the reward model's, shuffled over a rollout, which must lead
    nowhere."""
    kl: NotNegative | None = None
    """In place of `ppo.kl.coefficient`; null: that."""
    mix: NotNegative | None = None
    """In place of `ppo.mix.coefficient`; null: that."""
    best_of: Annotated[int, Field(ge=2, le=1024)] = 8
    """Rejection: answers that the best is chosen from."""


class Measurement(Section):
    """Measurement of all arms on the test prompts."""

    answers: Annotated[int, Field(ge=1, le=1024)] = 4
    """Answers of each arm for a prompt."""
    pool: Annotated[int, Field(ge=2, le=4096)] = 64
    """Answers of the start policy for a prompt, of which best-of-n chooses."""
    best_of: list[Annotated[int, Field(ge=1, le=4096)]] = Field(default_factory=lambda: [1, 2, 4, 8, 16, 32, 64])
    """Values of n; none above `pool`."""
    samples: Count = 10
    """Prompts whose answers are shown side by side."""


class Machine(Section):
    """Threads and precision of every stage."""

    threads: Annotated[int, Field(ge=1, le=4096)] = 1
    """CPU threads."""
    precision: Precision = "float32"
    """Of matrix products (InstructGPT: fp16 with fp32 master weights)."""
