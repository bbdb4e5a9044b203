"""The first opening of MLflow's database, which MLflow makes in many steps.

In a SQLite file, two that do this at once, or one that is killed meanwhile, can leave one that nothing opens any
more (mlflow#19943). So one does it at a time, and the file has its name when it is whole.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pretrace.common.files import atomic_path, locked


@contextmanager
def alone_with(uri: str) -> Iterator[None]:
    """Hold a lock beside the file of a SQLite database, which several clones may share; make the database if it is new.

    Other databases have transactions around their steps, and servers a database of their own.
    """
    from sqlalchemy.engine import make_url

    name = make_url(uri).database if uri.startswith("sqlite:") else None
    if not name or name == ":memory:":
        yield
        return
    path = Path(name).absolute()
    with locked(path.with_name(f"{path.name}.lock")):
        if not path.exists() or not path.stat().st_size:
            _make(path)
        yield


def _make(path: Path) -> None:
    """MLflow's empty tables, in a file that takes its name when it is whole."""
    from mlflow.tracking import MlflowClient

    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "mlflow.db"
        MlflowClient(tracking_uri=f"sqlite:///{first}").search_experiments(max_results=1)
        # MLflow keeps its connection to the first one: what gets the name is a copy that nobody has open.
        with (
            atomic_path(path) as whole,
            closing(sqlite3.connect(first)) as source,
            closing(sqlite3.connect(whole)) as target,
        ):
            source.backup(target)
