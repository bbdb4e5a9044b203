"""Which precision is chosen where, and what is said about it."""

from __future__ import annotations

import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.training.engine import device as device_module
from pretrace.training.engine.device import Device, check_kernels, choose_device

CASES = [
    # a GPU?, its capability, the CPU has bfloat16, set, chosen, said, products on a GPU
    (None, False, "auto", torch.float32, "this cpu has no bfloat16", None),
    (None, True, "auto", torch.bfloat16, "this cpu has bfloat16", None),
    (None, True, "float32", torch.float32, "as set", None),
    (None, True, "tf32", torch.float32, "which this cpu lacks", None),
    (None, False, "bfloat16", torch.bfloat16, "as set", None),
    ((9, 0), False, "auto", torch.bfloat16, "this cuda has bfloat16", "highest"),
    ((7, 5), True, "auto", torch.float32, "this cuda has no bfloat16", "highest"),
    ((9, 0), False, "tf32", torch.float32, "which this GPU has", "high"),
    ((7, 5), False, "tf32", torch.float32, "which this cuda lacks", "high"),
    ((9, 0), False, "float32", torch.float32, "as set", "highest"),
]


@pytest.mark.parametrize(("gpu", "cpu_bfloat16", "precision", "dtype", "said", "products"), CASES)
def test_precision_and_its_reason(
    gpu: tuple[int, int] | None,
    cpu_bfloat16: bool,
    precision: str,
    dtype: torch.dtype,
    said: str,
    products: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(device_module, "cpu_has_bfloat16", lambda: cpu_bfloat16)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu is not None)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: gpu >= (8, 0))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: gpu)
    monkeypatch.setattr(torch, "set_float32_matmul_precision", seen.append)
    chosen = choose_device(precision, 1)
    assert chosen.name == ("cuda" if gpu else "cpu")
    assert chosen.dtype == dtype
    assert said in chosen.reason
    assert seen == ([products] if products else [])


def test_lstm_in_bfloat16_is_refused_without_its_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(device_module, "cpu_has_bfloat16", lambda: False)
    with pytest.raises(PretraceError, match="precision: got bfloat16"):
        check_kernels("lstm", Device("cpu", torch.bfloat16, "as set"))
    check_kernels("transformer", Device("cpu", torch.bfloat16, "as set"))
    check_kernels("lstm", Device("cpu", torch.float32, "as set"))
