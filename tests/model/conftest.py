"""What the tests of the models share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def repository() -> Path:
    """The repository's root."""
    return Path(__file__).resolve().parents[2]
