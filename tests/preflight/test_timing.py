"""The trial of a few steps: for a share of the batch, and what it says when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.preflight.timing import _reason, measure, trial
from pretrace.settings import load_settings


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["transformer", "lstm"])
def test_a_trial_is_of_the_share_of_a_process(repository: Path, kind: str) -> None:
    """In this process, as far as it leaves no trace."""
    before = torch.get_num_threads()
    found = trial(kind, load_settings(), 6)
    torch.set_num_threads(before)
    torch.use_deterministic_algorithms(False)
    assert found.micro_batch == found.measured == 6
    assert found.memory_is_measured
    assert found.seconds_a_step > 0
    assert 1e7 < found.memory < 1e11


@pytest.mark.slow
def test_a_trial_that_fails_is_one_line(repository: Path) -> None:
    settings = load_settings()
    (repository / "params.yaml").unlink()
    with pytest.raises(PretraceError, match=r"lstm: an update was tried and failed \(params.yaml: no such file; .+\)$"):
        measure("lstm", settings, 1)


@pytest.mark.slow
def test_a_trial_of_fewer_sequences_says_so(repository: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("pretrace.preflight.timing.SECONDS", 0.0)
    found = trial("transformer", load_settings(), 6)
    torch.use_deterministic_algorithms(False)
    assert (found.micro_batch, found.measured, found.memory_is_measured) == (6, 2, False)


@pytest.mark.parametrize(
    ("code", "said"), [(-9, ""), (1, "torch.OutOfMemoryError: CUDA out of memory"), (1, "MemoryError")]
)
def test_a_trial_without_memory_says_what_to_lower(repository: Path, code: int, said: str) -> None:
    reason = _reason(code, said, load_settings())
    assert reason.startswith("memory did not suffice; lower processes, pretrain.micro_batch")
