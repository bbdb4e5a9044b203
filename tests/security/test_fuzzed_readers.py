"""Readers of weights, vocabularies and settings, given what is spoiled: they read it, or say one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.helpers import HELPERS
from tests.helpers.fuzzed_readers import OPTIONS, make_bases, outcome, readers, spoil

INPUTS, LARGEST_GROWTH, LONGEST_SECONDS = 20_000, 500 << 20, 5.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    make_bases(folder / "bases")
    return folder


@pytest.mark.parametrize("name", sorted(readers()))
def test_whole_folder_is_read(folder: Path, name: str) -> None:
    assert outcome(readers()[name], folder / "bases" / name) == ""


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=150, **OPTIONS)
def test_spoiled_folder_is_read_or_refused_in_a_line(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(readers())))
    spoil(folder / "bases" / name, folder / "work", data)
    event(f"{name} {'refused' if outcome(readers()[name], folder / 'work') else 'read'}")


@pytest.mark.nightly
def test_twenty_thousand_spoiled_folders(tmp_path: Path) -> None:
    """No traceback, at most 500 MB, at most 5 s each; in a process of its own, as a library may end it."""
    command = [sys.executable, str(HELPERS / "fuzzed_readers.py"), str(tmp_path), str(INPUTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(found)
    assert found["inputs"] >= INPUTS
    assert found["grown"] <= LARGEST_GROWTH
    assert max(found["seconds"].values()) <= LONGEST_SECONDS
