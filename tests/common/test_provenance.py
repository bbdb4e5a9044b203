"""Provenance of a result: kinds of processor that share a name are distinguished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pretrace.common import provenance

PLAIN = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu sse2 avx2\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (PLAIN, "AMD EPYC, avx2"),
        (PLAIN.replace("avx2", "avx2 avx512f avx512_bf16"), "AMD EPYC, avx2 avx512f avx512_bf16"),
        ("model name\t: Old\nflags\t\t: fpu sse2\n", "Old"),
        ("processor\t: 0\nFeatures\t: fp asimd bf16\nCPU part\t: 0xd40\n", "aarch64, asimd bf16"),
    ],
)
def test_processor_has_model_and_instruction_sets(lines: str, expected: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: lines)
    monkeypatch.setattr(provenance.platform, "processor", lambda: "")
    monkeypatch.setattr(provenance.platform, "machine", lambda: "aarch64")
    assert provenance.processor() == expected


def test_processor_without_proc_is_what_python_reports(monkeypatch: Any) -> None:
    def nothing(*_: Any, **__: Any) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", nothing)
    monkeypatch.setattr(provenance.platform, "processor", lambda: "arm")
    assert provenance.processor() == "arm"
