"""SIGTERM is noted, acted on once what is at hand is done, and never lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from pretrace.training.distributed.sigterm import Stopping


class Ended(BaseException):
    """What the handler that was there before does."""


@pytest.fixture(autouse=True)
def _handled() -> Iterator[None]:
    def end(*_: object) -> None:
        raise Ended

    before = signal.signal(signal.SIGTERM, end)
    yield
    assert signal.getsignal(signal.SIGTERM) is end
    signal.signal(signal.SIGTERM, before)


def test_it_is_noted_and_acted_on_when_one_says_so() -> None:
    noted: list[int] = []
    with pytest.raises(Ended), Stopping(lambda: noted.append(1)) as stopping:
        signal.raise_signal(signal.SIGTERM)
        assert noted == [1]
        stopping.now()


def test_a_second_one_ends_at_once() -> None:
    with pytest.raises(Ended), Stopping(lambda: None):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        pytest.fail("still here")


def test_one_that_nobody_looked_at_is_not_lost() -> None:
    with pytest.raises(Ended), Stopping(lambda: None):
        signal.raise_signal(signal.SIGTERM)


def test_without_one_nothing_happens() -> None:
    with Stopping(lambda: pytest.fail("noted")):
        pass


def test_where_it_is_not_heard_the_process_ends_all_the_same() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with pytest.raises(SystemExit) as ended, Stopping(lambda: None) as stopping:
        stopping.now()
    assert ended.value.code == 143
    signal.signal(signal.SIGTERM, before)
