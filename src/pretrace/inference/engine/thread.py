"""The thread that computes: requests of all models, a token for each text at a time (continuous batching).

Texts wait in a queue with a bound. A client that has gone marks its texts as left, and they are dropped at the next
step. Each text is the same as alone (`pretrace.generation.batch`).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pretrace.common.errors import PretraceError
from pretrace.common.frame import reason_of
from pretrace.generation import Prompt, Row
from pretrace.inference.engine.models import ServedModel, Shelf
from pretrace.inference.engine.prompt_scores import PromptScores, score_prompt
from pretrace.settings.models.generation import GenerationSettings

BETWEEN = 4
"""Most prompts that are read between two tokens of the texts under way."""


class QueueFullError(PretraceError):
    """No room for further requests; `seconds` is when to try again."""

    seconds = 1


class StoppingError(PretraceError):
    """The server is about to stop."""


@dataclass(frozen=True)
class Progress:
    """A text as far as it is sure."""

    text: str = ""
    tokens: int = 0
    reason: str | None = None
    """Why it has ended: length, stop, end; or error."""


class Ticket:
    """A text that a client waits for.

    Args:
        settings: None: the prompt alone is scored.
        log_probabilities: as for `Row`.
        scores: number of likeliest tokens to tell for each token of the prompt; None: the prompt is not scored.
        wake: called, in the engine's thread, when `progress` has changed.
    """

    def __init__(
        self,
        prompt: Prompt,
        settings: GenerationSettings | None,
        wake: Callable[[], None],
        log_probabilities: int | None = None,
        scores: int | None = None,
    ) -> None:
        self.prompt, self.settings, self.wake = prompt, settings, wake
        self.log_probabilities, self.scores = log_probabilities, scores
        self.progress = Progress()
        self.prompt_scores: PromptScores | None = None
        self.row: Row | None = None
        self.error = ""
        self.left = False

    def leave(self) -> None:
        """Say that nobody waits any more."""
        self.left = True
        if self.row:
            self.row.left = True

    def advance(self) -> None:
        """Make known how far the text is."""
        assert self.row is not None
        one = self.row.continuation
        self.progress = Progress(one.sure_text, len(one.ids), one.reason)
        self.wake()

    def end(self, reason: str, error: str = "") -> None:
        """Make known that there will be no more."""
        self.error, self.progress = error, Progress(self.progress.text, self.progress.tokens, reason)
        self.wake()


class Counters:
    """Totals since the start, for `/metrics`."""

    def __init__(self) -> None:
        self.prompt_tokens = self.tokens = self.texts = self.refused = self.left = self.steps = 0
        self.busy_seconds = 0.0


class Engine:
    """One thread over the models of a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.counters = shelf, Counters()
        self._waiting: dict[str, deque[Ticket]] = {name: deque() for name in shelf.entries}
        self._running: dict[str, list[Ticket]] = {name: [] for name in shelf.entries}
        self._changed = threading.Condition()
        self._stopping = self._over = False
        self._wanted: str | None = None
        """A model that waits for room beside others, which take no new texts meanwhile."""
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to compute."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """True if it takes requests."""
        return self._thread.is_alive() and not self._stopping

    @property
    def waiting(self) -> int:
        """Number of texts in the queue."""
        return sum(map(len, self._waiting.values()))

    @property
    def running(self) -> int:
        """Number of texts that grow."""
        return sum(map(len, self._running.values()))

    def submit(self, model: str, tickets: Sequence[Ticket]) -> None:
        """Put the texts of a request into the queue.

        Raises:
            QueueFullError: it is full.
            StoppingError: the server is about to stop.
        """
        with self._changed:
            if self._stopping:
                raise StoppingError("the server is stopping and takes no more requests")
            if self.waiting >= self.shelf.limits.queue:
                self.counters.refused += 1
                raise QueueFullError(f"{self.waiting} texts wait already; try again in a moment")
            self._waiting[model] += tickets
            self._changed.notify()

    def drain(self, seconds: float) -> None:
        """Take nothing more, and wait so long for what is under way."""
        self._stopping = True
        until = time.monotonic() + seconds
        while (self.waiting or self.running) and time.monotonic() < until:
            time.sleep(0.02)

    def close(self) -> None:
        """End the thread after its step."""
        with self._changed:
            self._stopping = self._over = True
            self._changed.notify()
        if self._thread.ident:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._over and not self.waiting and not self.running:
                    self._changed.wait()
                if self._over:
                    return
            start = time.monotonic()
            if self._wanted and not self._waiting[self._wanted]:
                self._wanted = None
            for name in self._waiting:
                if self._waiting[name] or self._running[name]:
                    self._guarded(name)
            self.counters.steps += 1
            self.counters.busy_seconds += time.monotonic() - start

    def _guarded(self, name: str) -> None:
        """Go on with a model; what goes wrong ends its texts, and not those of others."""
        try:
            self._turn(name)
        except Exception as error:
            text = reason_of(error) or f"{type(error).__name__}: {error}"
            with self._changed:
                failed = [*self._running[name], *self._waiting[name]]
                self._running[name], self._waiting[name] = [], deque()
            self.shelf.entries[name].loaded = None  # its batch may be half done
            for ticket in failed:
                ticket.end("error", text)

    def _turn(self, name: str) -> None:
        """Read prompts of a model for which there is room, and add a token to each of its texts."""
        served = self.shelf.get(name)
        if served is None:
            self._wanted = name
            return self._drop_left(name)
        if self._wanted == name:
            self._wanted = None
        running = list(self._running[name])
        new = self._next(name, served)
        served.batch.step()
        self._advance(name, running)
        if new:
            self._join(served, new)
            self._advance(name, new)
        if not self._running[name]:
            served.batch.step()  # the last ones leave their slots
        return None

    def _next(self, name: str, served: ServedModel) -> list[Ticket]:
        """Return tickets that join now; those that need no tokens are answered."""
        self._drop_left(name)
        new: list[Ticket] = []
        waiting = self._waiting[name] if self._wanted is None else deque()
        while waiting and len(new) < min(BETWEEN, served.batch.room):
            ticket = waiting.popleft()
            self._running[name].append(ticket)
            if ticket.scores is not None:
                ticket.prompt_scores = score_prompt(served.model, ticket.prompt.ids, ticket.scores)
            if ticket.settings is None:
                self.counters.prompt_tokens += len(ticket.prompt.ids)
                self._running[name].remove(ticket)
                ticket.end("length")
                break
            new.append(ticket)
        return new

    def _drop_left(self, name: str) -> None:
        with self._changed:
            kept = [ticket for ticket in self._waiting[name] if not ticket.left]
            self.counters.left += len(self._waiting[name]) - len(kept)
            self._waiting[name] = deque(kept)

    def _join(self, served: ServedModel, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            assert ticket.settings is not None
            ticket.row = Row(served.vocabulary, ticket.prompt, ticket.settings, ticket.log_probabilities)
            ticket.row.left = ticket.left
            self.counters.prompt_tokens += len(ticket.prompt.ids)
        served.batch.join([ticket.row for ticket in tickets if ticket.row])

    def _advance(self, name: str, tickets: Sequence[Ticket]) -> None:
        """Make known the new tokens of texts, and forget those that have ended."""
        for ticket in tickets:
            assert ticket.row is not None
            if not ticket.left:
                self.counters.tokens += 1
                ticket.advance()
            if ticket.row.ended:
                self.counters.texts += not ticket.left
                self.counters.left += ticket.left
                self._running[name].remove(ticket)
