"""MLflow slow, down, dying or answering rubbish: a stage goes on, it is said once, and nothing is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pretrace import tracking
from pretrace.cli import main
from pretrace.pipeline.stage import run_stage
from pretrace.tracking.spool import uploader
from tests.helpers.mlflow_records import PARENT, count_queued, queue_run, runs

pytestmark = pytest.mark.slow

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
SECRET = "s3cr3t-of-mine"


def slow(connection: socket.socket) -> None:
    """Read the request, and do not answer while the client waits."""
    connection.recv(4096)
    while connection.recv(4096):
        pass


def dies(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(OK + b'1000\r\n\r\n{"experiment": ')


def rubbish(connection: socket.socket) -> None:
    connection.recv(4096)
    body = b"<html>not the server that you think</html>"
    connection.sendall(OK + str(len(body)).encode() + b"\r\n\r\n" + body)


def refuses(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server on this machine that gives every connection the same bad answer; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")


@pytest.mark.parametrize("answer", [slow, dies, rubbish, refuses])
def test_broken_server_fails_no_stage_and_loses_nothing(
    tracked: Path, answer: Any, monkeypatch: Any, capsys: Any
) -> None:
    with server(answer) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://someone:{SECRET}@{address}")
        done = []
        run_stage("clean", lambda run: done.append(run.name))
        assert done == ["clean"]
        said = tracking.upload_queued()
        assert address in said
        run_stage("bpe", lambda run: None)
        run_stage("shard", lambda run: None)
        errors = capsys.readouterr().err
        assert errors.count("MLflow is unreachable") == 1 and errors.count("\n") == 1
        assert count_queued(tracked) == 3
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert main(["track", "--resend"]) == 0
    assert {"clean", "bpe", "shard", PARENT[:9]} <= {name[:9] for name in runs()}
    kept = "".join(path.read_text() for path in tracked.rglob("*") if path.suffix in (".txt", ".json"))
    assert SECRET not in said + errors + kept + capsys.readouterr().out


def test_upload_that_hangs_times_out(tracked: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(uploader, "RECORD_SECONDS", 1)
    monkeypatch.setattr("pretrace.tracking.mlflow_client.runs.Tracker.upload", lambda *_: time.sleep(60))
    queue_run("clean")
    assert "TimeoutError: timed out after 1 s" in tracking.upload_queued()
    assert count_queued(tracked) == 1


def test_record_has_no_passwords(tracked: Path) -> None:
    queue_run(
        "clean", "FAILED", error=f"https://me:{SECRET}@host/books: no answer", params={"at": f"s3://k:{SECRET}@b/x"}
    )
    record = next(tracked.glob("*/record.json")).read_text()
    assert "https://***@host/books" in record and "s3://***@b/x" in record
    assert SECRET not in record
