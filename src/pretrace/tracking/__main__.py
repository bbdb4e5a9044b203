"""The sender as a command; see the package."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from pretrace.common.files import locked, scratch_folder
from pretrace.tracking.config import uri_for_mlflow, waiting_room
from pretrace.tracking.uploader import LOCK, failure, stay_and_send, wait_until_sent

LOWEST_PRIORITY = 19


def _give_way() -> None:
    """To whatever else wants to run."""
    with contextlib.suppress(OSError):
        os.nice(LOWEST_PRIORITY)
        # Where the kernel shares out time by session, a nice number counts within the session only. A session that is
        # not our own is a person's shell, and all that runs in it.
        if os.getsid(0) == os.getpid():
            Path("/proc/self/autogroup").write_text(str(LOWEST_PRIORITY))


def main(arguments: list[str]) -> int:
    """`send` or `wait`: 0 also when MLflow is not reached, as nothing may depend on it; `open`: 1 then."""
    if arguments == ["send"]:
        _give_way()
        reason = stay_and_send(waiting_room())
        if reason:
            print(reason)
    elif arguments == ["wait"]:
        from pretrace.tracking.status import show_restored

        show_restored()
        print(wait_until_sent())
    elif arguments == ["open"]:
        return _open()
    else:
        print("usage: python -m pretrace.tracking send|wait|open", file=sys.stderr)
        return 2
    return 0


def _open() -> int:
    """For a server that is about to start."""
    from pretrace.tracking.mlflow_runs import Tracker

    try:
        with locked(waiting_room() / LOCK):
            Tracker(uri_for_mlflow(), scratch_folder() / "artifacts")
    except Exception as error:
        print(f"pretrace: {failure(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
