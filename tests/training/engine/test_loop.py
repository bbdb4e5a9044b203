"""The training loop: a step is the same however its batch is cut, and non-finite numbers never reach the weights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from pretrace.common.errors import PretraceError
from pretrace.settings import OptimizerSettings
from pretrace.training.engine.loop import step_seed, train_steps
from pretrace.training.engine.optimizer import build_optimizer

SETTINGS = OptimizerSettings(optimizer="openai_adam", weight_decay=0.01, beta1=0.9, beta2=0.99, clip_norm=1.0)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))


def batch(step: int) -> tuple[Tensor, Tensor]:
    x = torch.randn(12, 4, generator=torch.Generator().manual_seed(step))
    return x, x.sum(1, keepdim=True)


def run(steps: range, micro: int = 12, dropout: float = 0.0, clip: float = 1.0, seed: int = 5, module=None, opt=None):
    module = module or model()
    optimizer = opt or build_optimizer(module, SETTINGS)

    def losses(step: int) -> Iterator[Tensor]:
        for x, y in zip(*(part.split(micro) for part in batch(step)), strict=True):
            h = nn.functional.dropout(x, dropout, training=dropout > 0)
            yield (module(h) - y).square().sum() / 12

    made = train_steps(
        module,
        optimizer,
        steps,
        losses=losses,
        learning_rate=lambda step: 0.01 * (step + 1),
        clip_norm=clip,
        seed=seed,
    )
    return module, optimizer, list(made)


def values(module: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in module.parameters()]


@pytest.mark.parametrize("micro", [1, 3, 6])
def test_micro_batches_make_the_step_of_one_batch(micro: int) -> None:
    whole, _, losses = run(range(6))
    parts, _, losses_of_parts = run(range(6), micro)
    torch.testing.assert_close(values(whole), values(parts), rtol=1e-4, atol=1e-6)
    assert [loss for _, loss in losses] == pytest.approx([loss for _, loss in losses_of_parts], rel=1e-5)


def test_loop_learns_and_yields_every_step() -> None:
    _, _, seen = run(range(40), clip=100.0)
    assert [step for step, _ in seen] == list(range(1, 41))
    assert seen[-1][1] < 0.2 * seen[0][1]


def test_learning_rate_is_set_for_each_step() -> None:
    _, optimizer, _ = run(range(3, 5))
    assert {group["lr"] for group in optimizer.param_groups} == {0.01 * 5}


def test_step_depends_on_its_number_and_the_weights_alone() -> None:
    at_once, _, seen = run(range(8), dropout=0.5)
    module, optimizer, first = run(range(3), dropout=0.5)
    torch.randn(100)  # whatever was drawn in between
    _, _, second = run(range(3, 8), dropout=0.5, module=module, opt=optimizer)
    assert first + second == seen
    assert all(torch.equal(a, b) for a, b in zip(values(at_once), values(module), strict=True))


def test_dropout_depends_on_the_seed() -> None:
    losses = [run(range(3), dropout=0.5, seed=seed)[2] for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


def test_gradients_are_clipped_together() -> None:
    module = nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    before = module.weight.detach().clone()
    arguments = {"learning_rate": lambda step: 1.0, "clip_norm": 0.5, "seed": 0}
    list(train_steps(module, optimizer, range(1), losses=lambda step: iter([100 * module.weight.sum()]), **arguments))
    assert float((module.weight.detach() - before).norm()) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("kind", ["nan loss", "infinite loss", "nan gradient"])
def test_loss_that_is_not_finite_leaves_the_weights(kind: str) -> None:
    module = model()
    optimizer = build_optimizer(module, SETTINGS)
    seen: list[int] = []
    kept: list[Tensor] = []

    def losses(step: int) -> Iterator[Tensor]:
        x, y = batch(step)
        loss = (module(x) - y).square().mean()
        if step == 3:
            kept.extend(values(module))
            if kind == "nan gradient":
                loss = loss + (module[0].weight[0, 0] * 0.0).sqrt() * 0.0  # the value is fine, its slope is not
                assert torch.isfinite(loss)
            else:
                loss = loss * (torch.nan if kind == "nan loss" else torch.inf)
        yield loss

    with pytest.raises(PretraceError, match=r"step 4: the loss is .* stopped before the weights changed") as error:
        for step in train_steps(
            module, optimizer, range(6), losses=losses, learning_rate=lambda step: 0.01, clip_norm=1.0, seed=0
        ):
            seen.append(step.number)
    assert "\n" not in str(error.value)
    assert seen == [1, 2, 3]
    assert all(torch.equal(a, b) for a, b in zip(kept, values(module), strict=True))


def test_step_seeds_differ_in_their_low_bits() -> None:
    """Runs, steps and processes (which add to the seed above bit 16) each draw their own dropout, on a CPU too."""
    seeds = {step_seed(seed + (rank << 16), step) for seed in range(5) for rank in range(4) for step in range(50)}
    assert len({seed % (1 << 32) for seed in seeds}) == 5 * 4 * 50
    assert step_seed(3, 7) == 9565533078676835473  # fixed, as runs go on under later versions
    assert step_seed(-1, 7) != step_seed(1, 7)  # any whole number is a seed
