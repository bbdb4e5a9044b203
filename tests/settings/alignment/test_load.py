"""assistant/params.yaml: what is not accepted is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.settings.alignment.load import load_assistant_settings
from tests.helpers import REPOSITORY
from tests.helpers.plain_yaml import read_yaml, write_yaml


def written(folder: Path, **changes: Any) -> Path:
    (folder / "assistant").mkdir()
    write_yaml(folder / "assistant/params.yaml", read_yaml(REPOSITORY / "assistant/params.yaml") | changes)
    return folder


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"arms": {"Bad": {"method": "dpo"}}}, "arms.Bad: a name takes lower-case letters"),
        ({"arms": {"a": {"method": "grpo"}}}, r"arms\.a\.method: got 'grpo'"),
        ({"seeds": [1, 1]}, r"seeds \[1, 1\]: the same seed twice"),
        ({"measure": {"pool": 4, "best_of": [8]}}, "measure.best_of: 8 of a pool of 4"),
        ({"files": {"instructions": "a.jsonl"}}, "takes both `instructions` and `preferences`, or neither"),
        ({"files": {"instructions": "a.jsonl", "preferences": "b.jsonl"}}, "arms.ppo_gold: files have no gold reward"),
        ({"extra": 1}, "extra: no such setting"),
    ],
)
def test_setting_that_is_not_accepted_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PretraceError, match=said):
        load_assistant_settings(written(tmp_path, **changes))


def test_minibatches_divide_a_rollout(tmp_path: Path) -> None:
    ppo = read_yaml(REPOSITORY / "assistant/params.yaml")["ppo"] | {"minibatches": 5}
    with pytest.raises(PretraceError, match=r"ppo\.minibatches: 5 equal parts of 128 episodes"):
        load_assistant_settings(written(tmp_path, ppo=ppo))


def test_arm_replaces_coefficients() -> None:
    settings = load_assistant_settings(REPOSITORY)
    plain, no_kl, ptx = (settings.ppo_of(settings.arms[name]) for name in ("ppo", "ppo_no_kl", "ppo_ptx"))
    assert plain == settings.ppo and no_kl.kl.coefficient == 0 and ptx.mix.coefficient == 1
