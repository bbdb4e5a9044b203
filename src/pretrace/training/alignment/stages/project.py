"""Files of the second pipeline, and the first one's outputs that it starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder, sha256_of_file
from pretrace.model import load_model, save_model
from pretrace.model.language_model import LanguageModel
from pretrace.settings.alignment.load import AssistantSettings
from pretrace.tokens import load_vocabulary
from pretrace.tokens.load import copy_vocabulary
from pretrace.tokens.shards import open_shards
from pretrace.tokens.shards.read import Shards
from pretrace.tokens.vocabulary import Vocabulary
from pretrace.training.alignment.loop import seed_of
from pretrace.training.alignment.policy.sample import Sampler
from pretrace.training.alignment.prompts import store
from pretrace.training.alignment.prompts.gold import GoldReward
from pretrace.training.alignment.reward.scalar_model import WEIGHTS, ScalarModel, load_scalar_model, rewards
from pretrace.training.alignment.text.chat_template import save_template
from pretrace.training.alignment.text.conversation import Rendered
from pretrace.training.alignment.text.roles import NAMES, RoleVocabulary
from pretrace.training.engine.device import Device, choose_device

START, POOL, COMPARED, CALIBRATION, MEASURE, REJECTION = range(10, 16)
"""Purposes of random numbers of stages."""


@dataclass(frozen=True)
class Project:
    """A project with both pipelines.

    Args:
        root: of the project.
        model: name of the first pre-training of the system, such as transformer.
    """

    settings: AssistantSettings
    model: str
    root: Path = Path()

    @property
    def data(self) -> Path:
        """Folder of prompts and comparisons."""
        return self.root / "data" / "assistant"

    @property
    def models(self) -> Path:
        """Folder of all models of the second pipeline."""
        return self.root / "models" / "assistant"

    @property
    def reports(self) -> Path:
        """Folder of reports."""
        return self.root / "reports" / "assistant"

    @property
    def has_roles(self) -> bool:
        """True for conversations, whose texts have roles and end marks; False for beginnings of documents."""
        return self.settings.files.instructions is not None

    @property
    def vocabulary_folder(self) -> Path:
        """Folder of the vocabulary of text."""
        return self.root / "models" / "vocabulary" / self.settings.system

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary, with roles for conversations."""
        base = load_vocabulary(self.vocabulary_folder)
        return RoleVocabulary(base) if self.has_roles else base

    @cached_property
    def device(self) -> Device:
        """Device of all stages."""
        return choose_device(self.settings.machine.precision, self.settings.machine.threads)

    def sampler(self, temperature: float) -> Sampler:
        """Return how answers are drawn."""
        return Sampler(self.vocabulary, self.settings.prompts.answer_tokens, temperature)

    def pretrained(self) -> LanguageModel:
        """Return the pre-trained model, with rows for roles, drawn by the seed, if texts have them.

        Raises:
            PretraceError: it is missing, or predicts no next tokens.
        """
        model = load_model(self.root / "models" / "pretrained" / self.settings.system / self.model)
        model.check_is_causal()
        if self.has_roles:
            model.add_tokens(len(NAMES), torch.Generator().manual_seed(seed_of(self.settings.seed, START)))
        return model.to(self.device.name)

    def start(self) -> LanguageModel:
        """Return the start policy, which supervised fine-tuning has made."""
        return load_model(self.models / "sft").to(self.device.name)

    def start_hash(self) -> str:
        """Return the hash of the start policy's weights."""
        return sha256_of_file(self.models / "sft" / "model.safetensors")

    def reward_model(self) -> ScalarModel:
        """Return the reward model."""
        return load_scalar_model(self.models / "reward").to(self.device.name)

    def reward_hash(self) -> str:
        """Return the hash of the reward model's weights."""
        return sha256_of_file(self.models / "reward" / WEIGHTS)

    def gold(self) -> GoldReward | None:
        """Return the gold reward; None with files."""
        return store.read_gold(self.data / "comparisons" / "gold.parquet")

    def proxy(self) -> Callable[[Sequence[Rendered]], np.ndarray]:
        """Return the reward model as a function of texts."""
        model = self.reward_model()
        return lambda texts: rewards(model, texts, self.device)

    def shards(self, split: str) -> Shards:
        """Return the token ids of the first pipeline's text."""
        return open_shards(self.root / "data" / "shards" / self.settings.system, split)

    def save(self, folder: Path, model: LanguageModel) -> None:
        """Write a policy with the vocabulary of its text; one with roles also has their template, by which the server
        knows it.
        """
        with atomic_folder(folder) as out:
            save_model(out, model)
            copy_vocabulary(self.vocabulary_folder, out / "vocabulary")
            if self.has_roles:
                save_template(out)

    def check_context(self, model: LanguageModel) -> None:
        """Check that a prompt and its answer fit into what a model reads.

        Raises:
            PretraceError: they do not.
        """
        prompts = self.settings.prompts
        needed = (1 if self.has_roles else prompts.tokens) + prompts.answer_tokens
        if needed > model.context - 1:
            raise PretraceError(
                f"assistant/params.yaml: prompts: {needed} tokens of a prompt and an answer; the model of system "
                f"{self.settings.system} reads {model.context - 1}"
            )
