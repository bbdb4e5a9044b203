"""What the tests of the models share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import REPOSITORY


@pytest.fixture
def repository() -> Path:
    """The repository's root."""
    return REPOSITORY
