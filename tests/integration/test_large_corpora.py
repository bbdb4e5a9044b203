"""Many documents, and one that is very long, go from files to shards in memory that does not grow with the text.

The scaled forms have smaller parts, of which a process holds a few at once; otherwise so little text would fit in one.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import HELPERS

SCRIPT = HELPERS / "files_to_shards.py"
PART_BYTES = 32 << 20
SMALL_PART = 1 << 20
LARGE_PEAK = 450
"""MB: what is loaded, a few parts of 32 MB, and a kilobyte for each document."""
WORDS = [f"{a}{b}{c}" for a in ("ba", "do", "mi", "re") for b in ("la", "so", "ti", "nu", "ge") for c in "aeioustrnl"]

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc, for the memory of workers")


def lines(size: int) -> Iterator[str]:
    """About so many characters of text in a few words, no line of it twice; a blank one after every 20."""
    draw = random.Random(1)
    pool = [" ".join(draw.choices(WORDS, k=16)) for _ in range(500)]
    written = number = 0
    while written < size:
        spelled = " ".join(WORDS[number // len(WORDS) ** place % len(WORDS)] for place in range(3))
        line = f"{spelled} {pool[number % 500]}\n" + "\n" * (number % 20 == 0)
        yield line
        written, number = written + len(line), number + 1


def write_many(folder: Path, documents: int, size: int) -> None:
    """So many documents as lines of .jsonl, each of about `size` characters."""
    folder.mkdir(parents=True)
    text = lines(documents * size * 2)
    with (folder / "many.jsonl").open("w") as stream:
        for _ in range(documents):
            document = ""
            while len(document) < size:
                document += next(text)
            stream.write(json.dumps({"text": document}) + "\n")


def write_one(folder: Path, size: int) -> None:
    """One file of so many characters."""
    folder.mkdir(parents=True)
    with (folder / "one.txt").open("w") as stream:
        stream.writelines(lines(size))


def through_the_stages(folder: Path, unit: str, part_bytes: int = PART_BYTES) -> tuple[dict[str, Any], float]:
    """Return the stages' output, and the most memory that one of their processes took, in MB."""
    command = [sys.executable, str(SCRIPT), str(folder), unit, str(part_bytes)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    peaks: dict[int, int] = {}
    while running.poll() is None:
        for process, peak in peaks_of_group(running.pid):
            peaks[process] = max(peak, peaks.get(process, 0))
        time.sleep(0.02)
    assert running.returncode == 0 and running.stdout
    said = json.loads(running.stdout.read())
    assert said["words"]["train"] == said["encoded"]["train"]
    print({"peaks_mb": sorted((peak // 1000 for peak in peaks.values()), reverse=True)[:6], **said})
    return said, max(peaks.values()) / 1000


def peaks_of_group(group: int) -> Iterator[tuple[int, int]]:
    """The processes of a group and the most memory that each took so far, in kB."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, StopIteration):
            if os.getpgid(int(entry.name)) == group:
                status = (entry / "status").read_text().splitlines()
                yield int(entry.name), next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def test_memory_is_independent_of_the_number_of_documents(tmp_path: Path) -> None:
    write_many(tmp_path / "few" / "text", 1_500, 6_000)
    write_many(tmp_path / "many" / "text", 10_000, 6_000)
    few, before = through_the_stages(tmp_path / "few", "file", SMALL_PART)
    many, after = through_the_stages(tmp_path / "many", "file", SMALL_PART)
    assert (few["documents"], many["documents"]) == (1_500, 10_000)
    assert after < before + 25  # 51 MB of text more; the same run differs by 15 from time to time


def test_memory_is_independent_of_the_length_of_a_file(tmp_path: Path) -> None:
    write_one(tmp_path / "short" / "text", 2_000_000)
    write_one(tmp_path / "long" / "text", 20_000_000)
    short, before = through_the_stages(tmp_path / "short", "piece", SMALL_PART)
    long, after = through_the_stages(tmp_path / "long", "piece", SMALL_PART)
    assert 10 < short["documents"] <= 20 and 100 < long["documents"] <= 200
    assert after < before + 12  # 18 MB of text more


@pytest.mark.nightly
def test_memory_of_two_hundred_thousand_documents(tmp_path: Path) -> None:
    write_many(tmp_path / "text", 200_000, 2_000)
    said, peak = through_the_stages(tmp_path, "file")
    assert said["documents"] == 200_000
    assert peak < LARGE_PEAK


@pytest.mark.nightly
def test_memory_of_a_file_of_500_mb(tmp_path: Path) -> None:
    write_one(tmp_path / "text", 500_000_000)
    said, peak = through_the_stages(tmp_path, "piece")
    assert 2_500 < said["documents"] <= 5_000
    assert peak < LARGE_PEAK
