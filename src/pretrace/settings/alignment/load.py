"""Read `assistant/params.yaml`, or raise one line that names the key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from pretrace.settings.alignment.data import Comparisons, Files, Gold, Prompts, SeedSection
from pretrace.settings.alignment.stages import (
    Arm,
    Demonstrations,
    DpoSettings,
    Machine,
    Measurement,
    PpoSettings,
    RewardSettings,
)
from pretrace.settings.load import NAME
from pretrace.settings.section import Seed, checked
from pretrace.settings.yaml_file import read_yaml

PARAMS = Path("assistant/params.yaml")


class AssistantSettings(SeedSection):
    """All that the second pipeline depends on besides code, data and the first pipeline's outputs."""

    system: Annotated[str, Field(pattern=NAME.pattern)]
    """System of the first pipeline whose first pre-training is the start."""
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=100)]
    """Seeds of the policies; each arm is trained with each."""
    machine: Machine = Machine()
    files: Files = Files()
    prompts: Prompts = Prompts()
    gold: Gold = Gold()
    comparisons: Comparisons = Comparisons()
    sft: Demonstrations
    reward: RewardSettings
    ppo: PpoSettings
    dpo: DpoSettings
    arms: Annotated[dict[str, Arm], Field(min_length=1)]
    measure: Measurement = Measurement()

    @model_validator(mode="after")
    def _is_consistent(self) -> AssistantSettings:
        for name in self.arms:
            if not NAME.fullmatch(name):
                raise ValueError(f"arms.{name[:60]}: a name takes lower-case letters, digits and underscores")
        if self.ppo.episodes % self.ppo.minibatches:
            raise ValueError(
                f"ppo.minibatches: {self.ppo.minibatches} equal parts of {self.ppo.episodes} episodes; take a divisor"
            )
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds}: the same seed twice")
        if max(self.measure.best_of) > self.measure.pool:
            raise ValueError(f"measure.best_of: {max(self.measure.best_of)} of a pool of {self.measure.pool}")
        needs_gold = [name for name, arm in self.arms.items() if arm.reward == "gold" or arm.method == "demonstrations"]
        if self.files.preferences and needs_gold:
            raise ValueError(f"arms.{needs_gold[0]}: files have no gold reward; take the arm out")
        return self

    def ppo_of(self, arm: Arm) -> PpoSettings:
        """Return the settings of PPO with those of an arm in their place."""
        kl = self.ppo.kl if arm.kl is None else self.ppo.kl.model_copy(update={"coefficient": arm.kl})
        mix = self.ppo.mix if arm.mix is None else self.ppo.mix.model_copy(update={"coefficient": arm.mix})
        return self.ppo.model_copy(update={"kl": kl, "mix": mix})


def load_assistant_settings(root: Path | str = ".") -> AssistantSettings:
    """Read `assistant/params.yaml` of a project.

    Raises:
        PretraceError: it is missing or not YAML; a key is unknown, missing, of a wrong type or out of range.
    """
    return checked(AssistantSettings, read_yaml(Path(root) / PARAMS), str(PARAMS))
