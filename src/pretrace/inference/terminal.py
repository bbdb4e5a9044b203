"""A conversation in the terminal: `pretrace chat`."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from pretrace.common.errors import visible
from pretrace.generation import Batch, Prompt, Row
from pretrace.inference.engine.conversation import ConversationTooLongError, chat_prompt, form_of
from pretrace.model import load_model
from pretrace.settings.models.generation import GenerationSettings
from pretrace.training.alignment.text.chat_template import chat_vocabulary
from pretrace.training.alignment.text.conversation import Turn

HELP = "/again answers anew, /forget begins a new conversation, /quit or Ctrl-D ends"


def chat(
    folder: str,
    system: str,
    settings: GenerationSettings,
    seed: int | None,
    ask: Callable[[], str | None],
    write: Callable[[str], None],
) -> None:
    """Talk until there is no more question.

    Args:
        folder: of a language model.
        system: text before all turns; "": none.
        settings: `tokens` is the most of an answer.
        seed: of the first answer, the next one has the next; None: drawn.
        ask: returns a line, or None at the end.
        write: shows text as it comes.

    Raises:
        PretraceError: there is no such model, or it writes no text.
    """
    model, vocabulary = load_model(folder).eval(), chat_vocabulary(folder)
    form = form_of(vocabulary)
    settings = settings.model_copy(update={"stop": [*settings.stop, *form.stops], "end_of_document": True})
    batch = Batch(model, vocabulary, 1, model.context, remembered=1)
    first = [Turn("system", system)] if system else []
    turns, seed = list(first), random.SystemRandom().randrange(2**32) if seed is None else seed
    write(f"{HELP}\n")
    while (line := ask()) is not None and line.strip() != "/quit":
        text = line.strip()
        if text == "/forget":
            turns = list(first)
            continue
        if text == "/again":
            turns = turns[:-1] if turns and turns[-1].role == "assistant" else turns
        elif text:
            turns.append(Turn("user", text))
        if not turns or turns[-1].role != "user":
            continue
        try:
            prompt = chat_prompt(form, turns, model.context, settings.tokens)
        except ConversationTooLongError as error:
            write(f"{error}\n")
            turns.pop()
            continue
        if prompt.dropped:
            write(f"({prompt.dropped} old messages did not fit)\n")
        row = Row(
            vocabulary, Prompt(prompt.ids, seed, ends=form.ends), settings.model_copy(update={"tokens": prompt.room})
        )
        for part in _parts(batch, row):
            write(visible(part))
        write("\n")
        turns.append(Turn("assistant", row.result.text.strip()))
        seed += 1


def _parts(batch: Batch, row: Row) -> Iterator[str]:
    """Yield an answer as it grows; Ctrl-C ends it where it is."""
    batch.join([row])
    sent = 0
    try:
        while True:
            text = row.continuation.sure_text.lstrip()
            text = text.rstrip() if row.ended else text
            yield text[sent:]
            sent = max(sent, len(text))
            if row.ended:
                break
            batch.step()
    except KeyboardInterrupt:
        row.continuation.reason = "length"
    finally:
        batch.step()
