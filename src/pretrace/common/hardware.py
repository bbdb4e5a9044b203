"""What this machine has: memory, with the limits that a container or a batch system sets, and the GPU's."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def memory_bytes() -> int:
    """Bytes of memory that processes here can have together: the machine's, or less where a control group says so."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([memory, *_limits()])


def peak_memory_bytes() -> int:
    """Largest resident size of this process, or of one of its finished children.

    From VmHWM where there is one: `ru_maxrss` of a fresh process begins at the size of the one that started it.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        own = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return max(own, children)


def gpu_memory_bytes() -> int:
    """Bytes of memory of the current GPU."""
    import torch

    return torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory


def _limits() -> Iterator[int]:
    """Limits on this process's control group and on those above it, of both versions of Linux's control groups."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, name = (CGROUPS / "memory", "memory.limit_in_bytes") if controllers else (CGROUPS, "memory.max")
        # Within a container the path is often that of the world outside, and the container's own limit is at the root.
        place = root / path.strip("/")
        for folder in {root, place, *(p for p in place.parents if p.is_relative_to(root))}:
            with contextlib.suppress(OSError, ValueError):  # not there; "max" where there is no limit
                yield int((folder / name).read_text())
