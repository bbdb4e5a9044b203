"""Configuration of tracking: on or off, MLflow's URI, and the folder of the upload queue."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pretrace.common.files import scratch_folder


def is_off() -> bool:
    """Return True if the user switched tracking off."""
    return os.environ.get("PRETRACE_TRACKING", "").lower() in ("off", "0", "false", "no")


def tracking_uri() -> str:
    """Return the URI that runs are uploaded to.

    Never MLflow's own default, which lies in DVC's temporary copies of the repository and is deleted with them.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{scratch_folder() / 'mlflow.db'}"


def mlflow_uri() -> str:
    """Return `tracking_uri` without credentials, which are passed to MLflow in its own environment variables.

    MLflow's errors contain the whole URL.
    """
    uri = tracking_uri()
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https") and parts.username is not None:
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username)
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password or "")
        uri = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        os.environ["MLFLOW_TRACKING_URI"] = uri
    return uri


def spool_folder() -> Path:
    """Return the folder in which records are queued."""
    return scratch_folder() / "tracking"


def queued_records(folder: Path) -> list[Path]:
    """Return the folders of complete records, oldest first: their names begin with the time."""
    return sorted(path.parent for path in folder.glob("[0-9]*/record.json"))
