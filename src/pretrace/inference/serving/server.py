"""The process of the server: where it listens, and how it stops."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from pretrace.common.errors import PretraceError
from pretrace.inference.engine.limits import BODY_SECONDS, CONNECTIONS, HEADER_BYTES, ServerLimits
from pretrace.inference.engine.models import Shelf
from pretrace.inference.engine.thread import Engine
from pretrace.inference.serving.app import make_app
from pretrace.inference.serving.guard import LOOPBACK
from pretrace.inference.serving.page import page_route
from pretrace.inference.serving.vote_routes import vote_routes


def serve(
    models: Sequence[str],
    host: str,
    port: int,
    open_to_network: bool,
    hosts: Sequence[str],
    limits: ServerLimits,
    feedback: Path,
    say: Callable[[str], None],
) -> None:
    """Serve models until SIGTERM or Ctrl-C.

    Args:
        models: their folders.
        open_to_network: True if others than this machine may connect.
        hosts: further names by which the server may be called.
        feedback: file of choices between two answers.
        say: called with a line for the person who has started it.

    Raises:
        PretraceError: a model is unusable, or the address is.
    """
    if host not in LOOPBACK and not open_to_network:
        raise PretraceError(
            f"--host {host}: others than this machine could connect, and there is no password; if that is meant, add "
            "--open-to-network"
        )
    listening = _listen(host, port)
    engine = Engine(Shelf(models, limits))
    app = make_app(engine, {*LOOPBACK, host, *hosts}, [page_route(), *vote_routes(feedback)])
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_graceful_shutdown=int(limits.drain_seconds),
    )
    shown = f"[{host}]" if ":" in host else host
    say(f"{', '.join(engine.shelf.order)} at http://{shown}:{listening.getsockname()[1]}; Ctrl-C stops it")
    _Server(config, engine, limits.drain_seconds).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(CONNECTIONS)  # so that whoever reads the line can connect, if the loop is not there yet
    except OSError as error:
        raise PretraceError(f"{host}:{port}: {error.strerror}; another port: --port") from None
    return listening


class _Server(uvicorn.Server):
    """A server that at the first signal finishes what is under way and refuses new requests in words."""

    def __init__(self, config: uvicorn.Config, engine: Engine, seconds: float) -> None:
        super().__init__(config)
        self._engine, self._seconds, self._told = engine, seconds, False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._told:
            super().handle_exit(sig, frame)
            return
        self._told = True
        threading.Thread(target=self._drain, args=(sig,), daemon=True).start()

    def _drain(self, sig: int) -> None:
        self._engine.drain(self._seconds)
        super().handle_exit(sig, None)


class PatientProtocol(H11Protocol):
    """uvicorn's protocol, which closes a connection that does not send the headers of a request in time."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.call_later(BODY_SECONDS, self._too_slow)

    def _too_slow(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)
