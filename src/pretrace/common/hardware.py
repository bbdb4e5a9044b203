"""Memory of this host, within the limits of a container or batch system, and of its GPU."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def memory_bytes() -> int:
    """Return the bytes of memory for all processes: the host's, or the limit of the control group (cgroup)."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([memory, *_limits()])


def peak_memory_bytes() -> int:
    """Return the peak resident size in bytes of this process, or of one of its finished children if that is larger.

    Read from VmHWM if possible: `ru_maxrss` of a new process starts at the size of its parent.
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
    """Return the bytes of memory of the current GPU."""
    import torch

    return torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory


def _limits() -> Iterator[int]:
    """Yield the memory limits of this process's control group and of its parents, for cgroup v1 and v2."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, name = (CGROUPS / "memory", "memory.limit_in_bytes") if controllers else (CGROUPS, "memory.max")
        # Inside a container the path is often that of the host, and the container's own limit is at the root.
        place = root / path.strip("/")
        for folder in {root, place, *(p for p in place.parents if p.is_relative_to(root))}:
            with contextlib.suppress(OSError, ValueError):  # missing, or "max": no limit
                yield int((folder / name).read_text())
