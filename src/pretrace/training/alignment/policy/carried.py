"""State that PPO carries from step to step besides weights: the penalty's coefficient, a running mean of weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pretrace.training.distributed.carried_states import CarriedStates
from pretrace.training.distributed.group import Group


class PpoState(CarriedStates):
    """The state of a PPO, which checkpoints keep as one tensor of float64, so that no bit is lost.

    Args:
        coefficient: of the KL penalty, at the beginning.
        policy: whose weights the mean is of.
        decay: of the mean; 0: there is none.
    """

    def __init__(self, coefficient: float, policy: nn.Module, decay: float) -> None:
        super().__init__(Group(), 0)
        self.coefficient, self.decay = coefficient, decay
        self._weights = [p.detach() for p in policy.parameters()]
        self._means = [p.clone() for p in self._weights] if decay else []

    @torch.no_grad()
    def follow(self) -> None:
        """Move the mean towards the weights as they are now."""
        for mean, weight in zip(self._means, self._weights, strict=bool(self.decay)):
            mean.lerp_(weight, 1 - self.decay)

    @torch.no_grad()
    def finish(self) -> None:
        """Give the policy the mean as its weights, if there is one."""
        for mean, weight in zip(self._means, self._weights, strict=bool(self.decay)):
            weight.copy_(mean)

    def gather(self) -> Tensor:
        """Return all as one tensor on the CPU."""
        flat = [mean.cpu().reshape(-1).double() for mean in self._means]
        return torch.cat([torch.tensor([self.coefficient], dtype=torch.float64), *flat])

    def scatter(self, all_LBMC: Tensor | None, device: torch.device) -> None:
        """Take what `gather` returned; None: there was nothing."""
        if all_LBMC is None:
            return
        self.coefficient = float(all_LBMC[0])
        sizes = [mean.numel() for mean in self._means]
        for mean, part in zip(self._means, all_LBMC[1:].split(sizes) if sizes else (), strict=True):
            mean.copy_(part.view_as(mean))
