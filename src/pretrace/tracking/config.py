"""Where records wait, and where they go."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pretrace.common.files import scratch_folder


def is_off() -> bool:
    """Whether the user wants no tracking."""
    return os.environ.get("PRETRACE_TRACKING", "").lower() in ("off", "0", "false", "no")


def tracking_uri() -> str:
    """Where runs go. Never MLflow's own default, which lies in DVC's temporary copies and goes with them."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{scratch_folder() / 'mlflow.db'}"


def uri_for_mlflow() -> str:
    """As `tracking_uri`. A server's user and password go to MLflow by its own variables, and are in no URL any more.

    MLflow's errors have the whole URL in them.
    """
    uri = tracking_uri()
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https") and parts.username is not None:
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username)
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password or "")
        uri = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        os.environ["MLFLOW_TRACKING_URI"] = uri
    return uri


def waiting_room() -> Path:
    """Where records lie until they are sent."""
    return scratch_folder() / "tracking"


def pending(folder: Path) -> list[Path]:
    """Whole records, oldest first: their names begin with the time."""
    return sorted(path.parent for path in folder.glob("[0-9]*/record.json"))
