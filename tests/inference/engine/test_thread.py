"""The engine without a network: turns over models, faults, and texts that nobody wants any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.generation import Prompt, generate
from pretrace.inference.engine.limits import ServerLimits
from pretrace.inference.engine.models import Shelf
from pretrace.inference.engine.thread import Engine, QueueFullError, StoppingError, Ticket
from pretrace.settings.models.generation import GenerationSettings
from tests.helpers.served_models import write_model

LONG = GenerationSettings(tokens=40, top_k=None)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("models")
    return [str(write_model(folder / name, seed=number)) for number, name in enumerate("ab")]


@pytest.fixture
def engines() -> Iterator[list[Engine]]:
    made: list[Engine] = []
    yield made
    for engine in made:
        engine.close()


def engine_of(folders: list[str], engines: list[Engine], **limits: Any) -> Engine:
    engine = Engine(Shelf(folders, ServerLimits(**limits)))
    engines.append(engine)
    return engine


def asked(engine: Engine, model: str, seed: int, settings: GenerationSettings = LONG) -> Ticket:
    ticket = Ticket(Prompt([1, 2, 3 + seed], seed), settings, lambda: None)
    engine.submit(model, [ticket])
    return ticket


def wait(*tickets: Ticket) -> None:
    until = time.monotonic() + 60
    while any(ticket.progress.reason is None for ticket in tickets):
        assert time.monotonic() < until
        time.sleep(0.005)


def test_models_that_do_not_fit_together_take_turns(folders: list[str], engines: list[Engine]) -> None:
    """Also while the first one has more to do, and each text is the one alone."""
    one = Shelf(folders[:1], ServerLimits(rows=2, remembered=1)).entries["a"].bytes
    engine = engine_of(folders, engines, rows=2, remembered=1, memory_bytes=one * 3 // 2)
    assert len(engine.shelf.loaded) == 1
    tickets = [asked(engine, "ab"[number % 2], number) for number in range(8)]
    engine.start()
    wait(*tickets)
    assert len(engine.shelf.loaded) == 1
    for number, ticket in enumerate(tickets):
        served = engine.shelf._open("x", Path(folders[number % 2]), "")
        (alone,) = generate(served.model, served.vocabulary, [ticket.prompt], LONG)
        assert ticket.progress.text == alone.text


def test_text_that_nobody_waits_for_is_dropped(folders: list[str], engines: list[Engine]) -> None:
    engine = engine_of(folders, engines, rows=1)
    gone, waits, stays = (asked(engine, "a", seed) for seed in range(3))
    waits.leave()
    engine.start()
    while not gone.progress.tokens:
        time.sleep(0.001)
    gone.leave()
    wait(stays)
    assert stays.progress.tokens == 40
    assert waits.progress.tokens == 0
    assert engine.running == engine.waiting == 0


def test_queue_has_a_bound_and_a_stopping_engine_takes_nothing(folders: list[str], engines: list[Engine]) -> None:
    engine = engine_of(folders, engines, queue=2)
    tickets = [asked(engine, "a", seed) for seed in range(2)]
    with pytest.raises(QueueFullError):
        asked(engine, "b", 3)
    engine.start()
    drained = threading.Thread(target=engine.drain, args=(60,))
    drained.start()
    drained.join()
    assert [ticket.progress.reason for ticket in tickets] == ["length", "length"]
    with pytest.raises(StoppingError):
        asked(engine, "a", 4)
    assert not engine.alive


def test_fault_ends_the_texts_of_one_model_alone(
    folders: list[str], engines: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(folders, engines)
    served = engine.shelf.entries["a"].loaded
    assert served
    monkeypatch.setattr(served.batch, "join", lambda rows: 1 / 0)
    bad, good = asked(engine, "a", 1), asked(engine, "b", 1)
    engine.start()
    wait(bad, good)
    assert (bad.progress.reason, good.progress.reason) == ("error", "length")
    again = asked(engine, "a", 1)
    wait(again)
    assert again.progress.reason == "length"


def test_model_that_is_larger_than_the_bound_is_refused(folders: list[str]) -> None:
    with pytest.raises(PretraceError, match="--memory"):
        Shelf(folders, ServerLimits(memory_bytes=1000))
