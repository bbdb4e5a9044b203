"""Systems at an equal budget: what the two experiments change in the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings import load_settings
from pretrace.settings.load import load_scale
from pretrace.training.pretraining.plan import Plan, flops_a_token
from pretrace.tuning.lineage import compare_systems, experiments
from tests.helpers import REPOSITORY
from tests.helpers.small_training import settings_with


def test_experiments_differ_in_the_budget_alone() -> None:
    settings = load_settings(REPOSITORY)
    tokens, flops = experiments(settings).values()
    assert tokens[0] == "systems=[gpt1,left_to_right,bert_without_nsp,bert,gpt2]"
    assert flops[: len(tokens)] == tokens
    assert flops[len(tokens)] == "scales/laptop.yaml:pretrain.steps=null"
    key, _, value = flops[-1].partition("=")
    assert key == "scales/laptop.yaml:+pretrain.flops"
    assert float(value) == 1450 * 16 * 128 * flops_a_token(settings.scale)


@pytest.mark.parametrize("system", ["gpt1", "left_to_right", "gpt2", "bert", "bert_without_nsp"])
def test_equal_flops_are_more_tokens_for_masked_models(system: str) -> None:
    scale, first = (load_scale(REPOSITORY, "laptop", name).scale for name in (system, "gpt1"))
    spent = Plan(first).tokens * flops_a_token(first)
    section = scale.pretrain.model_copy(update={"steps": None, "flops": float(spent)})
    plan = Plan(scale.model_copy(update={"pretrain": section}))
    a_batch = plan.batch_size * plan.context * flops_a_token(scale)
    assert 0 <= plan.tokens * flops_a_token(scale) - spent < a_batch
    assert (plan.steps > Plan(first).steps) == (scale.pretrain.objective.kind == "masked")


def test_no_set_of_variants_is_one_line() -> None:
    with pytest.raises(PretraceError, match=r"params\.yaml: ablations\.lineage: no such set; takes variants"):
        experiments(settings_with())


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"corpus": {"source": "files", "path": "../books"}}, "corpus.path"),
        ({"tasks": {"own": {"kind": "classification", "train": "../own/train.csv"}}}, "tasks.own.train"),
    ],
)
def test_paths_out_of_the_repository_are_refused(changes: dict[str, Any], key: str, tmp_path: Path) -> None:
    """DVC runs experiments in a folder of their own, from which they lead elsewhere."""
    with pytest.raises(PretraceError, match=rf"params\.yaml: {key}: \.\./.*takes an absolute path \(/"):
        compare_systems(settings_with(**changes), tmp_path)
