"""Helpers of the tests: small projects, made-up data, and scripts that tests start in processes of their own."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HELPERS = Path(__file__).resolve().parent
