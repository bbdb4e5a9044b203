"""The uploader as a command; see the package."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from pretrace.common.files import locked, scratch_folder
from pretrace.common.frame import run_command
from pretrace.tracking.config import mlflow_uri, spool_folder
from pretrace.tracking.spool.uploader import LOCK, describe_error, upload_while_dvc_runs, wait_until_uploaded

LOWEST_PRIORITY = 19


def main(arguments: list[str]) -> int:
    """Run a command; return the exit code.

    `upload` and `wait` return 0 even if MLflow is unreachable, since nothing may depend on it; `open` returns 1 then.
    """
    if arguments == ["upload"]:
        _lower_priority()
        reason = upload_while_dvc_runs(spool_folder())
        if reason:
            print(reason)
    elif arguments == ["wait"]:
        from pretrace.tracking.status import publish_restored

        publish_restored()
        print(wait_until_uploaded())
    elif arguments == ["open"]:
        return _open()
    else:
        print("usage: python -m pretrace.tracking upload|wait|open", file=sys.stderr)
        return 2
    return 0


def _lower_priority() -> None:
    """Give way to everything else on the machine."""
    with contextlib.suppress(OSError):
        os.nice(LOWEST_PRIORITY)
        # Where the kernel shares out time by session, a nice number counts within the session only. A session that is
        # not our own is a person's shell, and all that runs in it.
        if os.getsid(0) == os.getpid():
            Path("/proc/self/autogroup").write_text(str(LOWEST_PRIORITY))


def _open() -> int:
    """Create or open the database, for a server that is about to start."""
    from pretrace.tracking.mlflow_client.runs import Tracker

    try:
        with locked(spool_folder() / LOCK):
            Tracker(mlflow_uri(), scratch_folder() / "artifacts")
    except Exception as error:
        print(f"pretrace: {describe_error(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_command("", lambda: main(sys.argv[1:])))
