"""docs/formats.md is what the records give."""

from __future__ import annotations

from pretrace.schemas.formats_page import formats_page
from tests.helpers import REPOSITORY


def test_formats_page_is_up_to_date() -> None:
    page = (REPOSITORY / "docs" / "formats.md").read_text(encoding="utf-8")
    assert page == formats_page(), "run `python -m pretrace.schemas > docs/formats.md`"
