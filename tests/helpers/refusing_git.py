"""A git that refuses every repository, as it does in a folder of another account."""

from __future__ import annotations

import os

import pytest


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have git take all folders for those of another account, and none of them for safe."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
