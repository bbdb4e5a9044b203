"""The sender as a command; see the package."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from pretrace.files import locked, scratch_folder
from pretrace.tracking.place import tracking_uri, waiting_room
from pretrace.tracking.sender import send_pending, wait_until_sent

LOWEST_PRIORITY = 19


def main(arguments: list[str]) -> int:
    """`send` or `wait`; 0 also when MLflow is not reached, as nothing may depend on it."""
    if arguments == ["send"]:
        with contextlib.suppress(OSError):
            os.nice(LOWEST_PRIORITY)
            # Where the kernel shares out time by session, a nice number counts within the session only.
            Path("/proc/self/autogroup").write_text(str(LOWEST_PRIORITY))
        reason = send_pending()
        if reason:
            print(reason)
    elif arguments == ["wait"]:
        print(wait_until_sent())
    elif arguments == ["open"]:
        from pretrace.tracking.mlflow_runs import Tracker

        with locked(waiting_room() / "lock"):
            Tracker(tracking_uri(), scratch_folder() / "artifacts")
    else:
        print("usage: python -m pretrace.tracking send|wait|open", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
