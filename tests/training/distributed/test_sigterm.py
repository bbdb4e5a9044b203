"""SIGTERM sets a flag, is acted on after the step at hand, and is never lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from pretrace.training.distributed.sigterm import Sigterm


class Ended(BaseException):
    """Raised by the handler that was there before."""


@pytest.fixture(autouse=True)
def _handled() -> Iterator[None]:
    def end(*_: object) -> None:
        raise Ended

    before = signal.signal(signal.SIGTERM, end)
    yield
    assert signal.getsignal(signal.SIGTERM) is end
    signal.signal(signal.SIGTERM, before)


def test_sigterm_sets_a_flag_until_the_process_is_ended() -> None:
    received: list[bool] = []
    with pytest.raises(Ended), Sigterm() as stop:
        received.append(stop.received)
        signal.raise_signal(signal.SIGTERM)
        received.append(stop.received)
        stop.end_process()
    assert received == [False, True]


def test_second_sigterm_ends_the_process_at_once() -> None:
    with pytest.raises(Ended), Sigterm():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        pytest.fail("still here")


def test_sigterm_after_the_last_step_is_not_lost() -> None:
    with pytest.raises(Ended), Sigterm():
        signal.raise_signal(signal.SIGTERM)


def test_without_sigterm_nothing_happens() -> None:
    with Sigterm() as stop:
        pass
    assert not stop.received


def test_process_ends_even_if_sigterm_is_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with pytest.raises(SystemExit) as ended, Sigterm() as stop:
        stop.end_process()
    assert ended.value.code == 143
    signal.signal(signal.SIGTERM, before)
