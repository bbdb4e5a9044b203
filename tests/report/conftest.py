"""Reports of a made-up run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import made_up_results as made_up


@pytest.fixture
def reports(project: Path) -> Path:
    """Return the folder of the reports, as the stages before the report write them."""
    made_up.write_results(project / "reports")
    return project / "reports"
