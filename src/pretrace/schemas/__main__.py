"""Print docs/formats.md: `python -m pretrace.schemas > docs/formats.md`."""

from pretrace.schemas.formats_page import formats_page

print(formats_page(), end="")
