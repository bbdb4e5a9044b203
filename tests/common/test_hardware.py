"""Memory, as the control group allows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.common import hardware


def test_memory_is_limited_by_the_control_group(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("pretrace.common.hardware.CGROUPS", tmp_path)
    whole = hardware.memory_bytes()
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text(f"{1 << 62}\n")
    assert hardware.memory_bytes() == whole
    for file in ("memory.max", "memory/memory.limit_in_bytes"):
        (tmp_path / file).write_text("123456\n")
    assert hardware.memory_bytes() == 123456
