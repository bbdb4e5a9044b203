"""Processes that fine-tune, forked from one that has PyTorch loaded but has not computed yet.

That is quick, and safe with threads. This module knows no PyTorch itself: loading it takes a core more than a second,
and whoever calls `prepare_workers` before loading it has the workers' copy loaded at the same time.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

from pretrace.common.processes import without_ctrl_c


def prepare_workers() -> BaseContext:
    """Start the process that workers are forked from, unless it runs; returns the context to make workers with."""
    context = multiprocessing.get_context("forkserver")
    # An optimizer loads torch's compiler when it is first used, whether or not anything is compiled: a second for each.
    context.set_forkserver_preload(["pretrace.training.finetuning.finetune", "torch._inductor.config", "torch._dynamo"])
    with without_ctrl_c():
        forkserver.ensure_running()
    return context
