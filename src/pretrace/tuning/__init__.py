"""`pretrace search`: rate and passes of fine-tuning, chosen on dev with the same budget for every variant."""

from __future__ import annotations

from pretrace.tuning.search import search_on_dev

__all__ = ["search_on_dev"]
