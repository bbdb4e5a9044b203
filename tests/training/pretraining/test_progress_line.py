"""The progress line, and the memory of this process."""

from __future__ import annotations

import mmap

from pretrace.training.pretraining.progress_line import format_progress, memory_in_use


def test_progress_line_has_all_figures() -> None:
    line = format_progress(2.0, 1.25, 12345.6, 0.514, 3.21e9)
    assert line == "loss 2.000, perplexity 7.4, 1.250 bits/byte, 12,346 tokens/s, MFU 51 %, 3.2 GB"
    assert "perplexity" in format_progress(1e9, 1.0, 1.0, 0.0, 1.0)  # before training stops, no overflow


def test_memory_in_use_is_of_this_process() -> None:
    before = memory_in_use("cpu")
    with mmap.mmap(-1, 1 << 26) as held:  # new pages: the C library may hand out memory that it has kept
        held.write(bytes(len(held)))
        assert 1e7 < before < 1e11
        assert memory_in_use("cpu") > before + len(held) // 2
