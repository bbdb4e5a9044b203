"""Creation of MLflow's SQLite database, which MLflow does in many steps.

Two processes that create the same file at once, or one that is killed meanwhile, can leave a database that cannot be
opened any more (mlflow#19943). So one process does it at a time, and the file gets its name once it is complete.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pretrace.common.files import atomic_path, locked


@contextmanager
def database_lock(uri: str) -> Iterator[None]:
    """Hold a lock beside a SQLite file, which several clones may share; create the database if it is new.

    Other databases run these steps in transactions, and servers have a database of their own.
    """
    from sqlalchemy.engine import make_url

    name = make_url(uri).database if uri.startswith("sqlite:") else None
    if not name or name == ":memory:":
        yield
        return
    path = Path(name).absolute()
    with locked(path.with_name(f"{path.name}.lock")):
        if not path.exists() or not path.stat().st_size:
            _create(path)
        yield


def _create(path: Path) -> None:
    """Write MLflow's empty tables to a file that gets its name once it is complete."""
    from mlflow.tracking import MlflowClient

    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "mlflow.db"
        MlflowClient(tracking_uri=f"sqlite:///{first}").search_experiments(max_results=1)
        # MLflow keeps the first file open, so a copy of it gets the name.
        with (
            atomic_path(path) as complete,
            closing(sqlite3.connect(first)) as source,
            closing(sqlite3.connect(complete)) as target,
        ):
            source.backup(target)
