"""Numbers, sizes and times as a person reads them."""

from __future__ import annotations

import pytest

from pretrace.common.units import readable_bytes, readable_number, readable_time


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (1234, "1,234"), (2_570_000, "2.57 M"), (6.3e13, "63 T"), (1.2e21, "1.20e+21")]
)
def test_readable_number(number: float, text: str) -> None:
    assert readable_number(number) == text


@pytest.mark.parametrize(("number", "text"), [(999, "1 kB"), (1e6, "1.0 MB"), (2.57e10, "25.7 GB")])
def test_readable_bytes(number: float, text: str) -> None:
    assert readable_bytes(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.44, "0.4 s"), (119.8, "2 min 0 s"), (60, "1 min 0 s"), (7300, "2 h 2 min"), (3599.9, "1 h 0 min")),
        *((172_700, "47 h 58 min"), (172_800, "2.0 days"), (86_400 * 1234.56, "1,234.6 days")),
    ],
)
def test_readable_time(seconds: float, text: str) -> None:
    assert readable_time(seconds) == text
