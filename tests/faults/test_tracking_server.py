"""MLflow's server slow, refusing, dying or answering rubbish: the pipeline does not notice."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.helpers.fault_records import Faults
from tests.helpers.faulty_machine import STAGES, SYSTEM, Machine, Reference
from tests.helpers.process_table import environment_of, everybody

RUBBISH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[null, \xff\xfe"
HALF = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"experiment": '
ERROR = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
SERVERS = {
    "answers rubbish": RUBBISH,
    "dies in its answer": HALF,
    "has an error": ERROR,
    "is slow": b"",
    "refuses": None,
}


@contextmanager
def server(answer: bytes | None) -> Iterator[str]:
    """The address of a server on this machine that answers so; no bytes: never; None: nobody is there."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=reply, args=(connection,), daemon=True).start()

    def reply(connection: socket.socket) -> None:
        with closing(connection):
            connection.recv(65536)
            if answer:
                connection.sendall(answer)
            else:
                over.wait()

    if answer is None:
        listener.close()
    else:
        threading.Thread(target=serve, daemon=True).start()
    try:
        yield address
    finally:
        over.set()
        listener.close()


def end_uploaders(address: str) -> None:
    """End the background processes that still try to reach it."""
    for process in everybody():
        if environment_of(process).get("MLFLOW_TRACKING_URI") == address:
            os.kill(process, signal.SIGKILL)


CASES = [(name, stages) for name in SERVERS for stages in ("one", "all")]


@pytest.mark.parametrize(
    ("how", "stages"),
    [pytest.param(h, s, marks=[pytest.mark.nightly] if s == "all" else [], id=f"{h}-{s}") for h, s in CASES],
)
def test_pipeline_does_not_notice_a_broken_server(
    how: str, stages: str, machine: Machine, reference: Reference, place: Path, faults: Faults
) -> None:
    chosen = STAGES if stages == "all" else [("bpe", SYSTEM)]
    reference.before(chosen[0], place)
    with server(SERVERS[how]) as address:
        try:
            for stage in chosen:
                tracking = {"PRETRACE_TRACKING": "on", "MLFLOW_TRACKING_URI": address}
                ended = machine.well(place, stage, **tracking)
                assert "Traceback" not in ended.said, ended
                faults.check(f"MLflow's server {how}", reference.differences(place, [stage]))
            time.sleep(1)
        finally:
            end_uploaders(address)
