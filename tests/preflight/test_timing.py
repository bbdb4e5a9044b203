"""The dry run of a few steps, for the share of a process, and its errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.preflight.timing import dry_run, failure_reason, measure_here
from pretrace.settings import load_settings


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["transformer", "lstm"])
def test_dry_run_measures_the_share_of_a_process(repository: Path, kind: str) -> None:
    """In this process; global settings are restored."""
    before = torch.get_num_threads()
    settings = load_settings()
    scale = settings.scale.model_copy(update={"kind": kind})
    run = measure_here(settings.model_copy(update={"scale": scale}), 6)
    torch.set_num_threads(before)
    torch.use_deterministic_algorithms(False)
    assert run.micro_batch == run.measured_batch == 6
    assert run.memory_is_measured
    assert run.seconds_per_step > 0
    assert 1e7 < run.memory_bytes < 1e11


@pytest.mark.slow
def test_dry_run_failure_is_one_line(repository: Path) -> None:
    settings = load_settings()
    (repository / "params.yaml").unlink()
    with pytest.raises(PretraceError, match=r"gpt1: the dry run failed \(params.yaml: no such file; .+\)$"):
        dry_run(settings, 1)


@pytest.mark.slow
def test_dry_run_with_fewer_sequences_is_marked(repository: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("pretrace.preflight.timing.SECONDS", 0.0)
    run = measure_here(load_settings(), 6)
    torch.use_deterministic_algorithms(False)
    assert (run.micro_batch, run.measured_batch, run.memory_is_measured) == (6, 2, False)


@pytest.mark.parametrize(
    ("code", "errors"), [(-9, ""), (1, "torch.OutOfMemoryError: CUDA out of memory"), (1, "MemoryError")]
)
def test_dry_run_out_of_memory_says_what_to_lower(repository: Path, code: int, errors: str) -> None:
    reason = failure_reason(code, errors, load_settings())
    assert reason.startswith("ran out of memory; lower processes, pretrain.micro_batch")
