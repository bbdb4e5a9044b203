"""Continuations of prompts from the command line: `pretrace generate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pretrace.common.errors import PretraceError
from pretrace.common.validation import shown
from pretrace.generation import beam_search, generate, prompt_of
from pretrace.inference.read_rows import TEXT, read_rows
from pretrace.model import load_model
from pretrace.settings.columns import Fields
from pretrace.settings.models.generation import GenerationSettings
from pretrace.tokens import Vocabulary, load_vocabulary, vocabulary_folder

LINE = Fields((TEXT,))


def generate_texts(
    folder: str, prompts: Sequence[str] | None, file: str | None, settings: GenerationSettings, seed: int, number: int
) -> Iterator[str]:
    """Yield prompts with their continuations, `number` for each: the best ones of a beam search, or drawn ones.

    Args:
        folder: a language model with its vocabulary.
        prompts: raw texts; None: the lines of `file`, or with "-" of standard input.
        seed: that of the first text; the n-th after it has the n-th seed after this one.

    Raises:
        PretraceError: there is no such model, it writes no text, or a prompt or stop text is unusable.
    """
    if 1 < settings.beams < number:
        raise PretraceError(f"--number {number}: a search with {settings.beams} beams has at most {settings.beams}")
    model, vocabulary = load_model(folder), load_vocabulary(vocabulary_folder(folder))
    _check_stops(vocabulary, settings.stop)
    for texts in [prompts] if prompts is not None else _lines(str(file)):
        for text in texts:
            _check_known(vocabulary, text)
        if settings.beams > 1:
            asked = [prompt_of(vocabulary, text) for text in texts]
            found = [one[:number] for one in beam_search(model, vocabulary, asked, settings)]
        else:
            asked = [
                prompt_of(vocabulary, text, seed + n) for n, text in enumerate(t for t in texts for _ in range(number))
            ]
            drawn = generate(model, vocabulary, asked, settings)
            found = [drawn[first : first + number] for first in range(0, len(drawn), number)]
            asked, seed = asked[::number], seed + len(asked)
        for prompt, several in zip(asked, found, strict=True):
            yield from ((vocabulary.decode(prompt.ids[1:]) + one.text).strip() for one in several)


def _lines(file: str) -> Iterator[list[str]]:
    """Yield the lines of a file, some at a time. Raises `PretraceError` if one is blank."""
    for table in read_rows(file, TEXT, LINE):
        texts = [str(text) for text in table.columns[TEXT]]
        for place, text in zip(table.places, texts, strict=True):
            if not text.strip():
                raise PretraceError(f"{place}: is blank; takes a prompt on each line, or use --prompt ''")
        yield texts


def _check_known(vocabulary: Vocabulary, text: str) -> None:
    """Raise `PretraceError` if the vocabulary has no tokens for a part of a prompt."""
    unknown = vocabulary.unknown_id
    if unknown is None or unknown not in vocabulary.encode(text):
        return
    parts = [part for part in (*text, *text.split()) if unknown in vocabulary.encode(part)]
    raise PretraceError(f"prompt {shown(text)}: the vocabulary has no token for {shown(parts[0] if parts else text)}")


def _check_stops(vocabulary: Vocabulary, stops: Sequence[str]) -> None:
    """Raise `PretraceError` if a stop text is not written as the vocabulary writes text: it would never be found."""
    for stop in stops:
        written = vocabulary.prepare(stop)
        if " ".join(written.split()) != " ".join(stop.split()):
            raise PretraceError(f"--stop {shown(stop)}: the vocabulary writes this as {shown(written)}; give it so")
