"""Perplexity of a text under a language model, without a pipeline: `pretrace evaluate`.

The text is one stream of tokens, as in pre-training: documents in the order of their names, each ended by a line end.
It is cut into windows of the model's context, each `stride` tokens after the previous one. Only the last `stride`
tokens of a window are scored, so that each has at least context - stride tokens before it. The first token of a window
has none before it and is never scored: with a stride below the context that is only the text's own first token; with a
stride of the whole context the windows are those of pre-training's `val_loss`.

Shapes: N tokens, B windows, T tokens of a window, C hidden width, V vocabulary, R scored tokens.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from pretrace.common.errors import PretraceError, printable
from pretrace.common.progress import progress
from pretrace.evaluation.published_texts.corpora import RULES, PublishedSize
from pretrace.evaluation.read_text import Text, read_text
from pretrace.model import LanguageModel, load_model
from pretrace.tokens import Vocabulary, load_vocabulary, vocabulary_folder
from pretrace.training.engine.device import Device, choose_device

TOKENS_AT_ONCE = 8192
"""Tokens that the model reads at once, in whole windows."""
ROWS_AT_ONCE = 512
"""Tokens whose logits are in memory at once: 83 MB for GPT-1's vocabulary."""


def evaluate(
    folder: Path | str, path: str, stride: int | None = None, published_as: str | None = None
) -> dict[str, Any]:
    """Measure the language model in `folder` on the text at `path`; no settings are read.

    Args:
        folder: any folder that `load_model` opens, with its vocabulary in it.
        path: a file of plain text; or what `corpus.path` takes, with the text in a column `text`.
        stride: from 1 to the model's context; None: half of the context.
        published_as: name of the rules (`RULES`) that make plain text of a text published as words; None: it is plain.

    Returns:
        Sizes (`parameters`, `context`, `documents`, `words`, `tokens`, `bytes`, `clean_bytes`, `unknown_tokens`), the
        `stride`, the number of `scored_tokens` and their mean `loss` in nats; and, for the whole text, `perplexity`,
        `word_perplexity`, `bits_per_byte` and `bits_per_clean_byte`. A perplexity that overflows is None. With
        `published_as` also `published_words`, `published_lines`, `lost_words` that the plain text does not give back,
        and the log-probability of the whole plain text by published word (`published_word_perplexity`), and by word
        and line end (`published_token_perplexity`).

    Raises:
        PretraceError: model, vocabulary or text is missing, they do not fit, the stride is out of range, the text is
            too short, or a loss is not finite.
    """
    model, vocabulary = open_model(folder)
    stride = max(1, model.context // 2) if stride is None else stride
    if not 1 <= stride <= model.context:
        raise PretraceError(f"--stride: got {stride}; takes 1 to {model.context}, the context of the model in {folder}")
    if published_as is not None and published_as not in RULES:
        raise PretraceError(f"--published-as: got {printable(published_as)}; takes {', '.join(sorted(RULES))}")
    text = read_text(path, vocabulary, RULES[published_as] if published_as else None)
    device = device_of_commands()
    scores = measure(model.to(device.name), text, vocabulary.unknown_id, stride)
    return {"published_as": published_as, **scores} if published_as else scores


def open_model(folder: Path | str) -> tuple[LanguageModel, Vocabulary]:
    """Open a language model with its vocabulary. Raises `PretraceError` if one is missing or they do not fit."""
    model, vocabulary = load_model(folder).eval(), load_vocabulary(vocabulary_folder(folder))
    rows = model.vocabulary_size
    if rows != vocabulary.size:
        raise PretraceError(f"{folder}: {rows:,} token embeddings, but its vocabulary has {vocabulary.size:,} tokens")
    return model, vocabulary


def device_of_commands() -> Device:
    """Choose float32 on all CPUs of this process, so that results do not depend on the kind of machine."""
    return choose_device("float32", len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def measure(model: LanguageModel, text: Text, unknown_id: int | None, stride: int) -> dict[str, Any]:
    """Return the results of `evaluate` for a model on its device and a text."""
    model.check_is_causal()
    losses_N = token_losses(model, text.ids_N, stride)
    scored = int(np.count_nonzero(~np.isnan(losses_N)))
    loss = float(np.nansum(losses_N, dtype=np.float64)) / scored
    bits = loss / math.log(2) * len(text.ids_N)
    return {
        "kind": model.kind,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "context": model.context,
        "documents": text.documents,
        "words": text.words,
        "tokens": len(text.ids_N),
        "unknown_tokens": 0 if unknown_id is None else int((text.ids_N == unknown_id).sum()),
        "bytes": text.bytes,
        "clean_bytes": text.clean_bytes,
        "stride": stride,
        "scored_tokens": scored,
        "loss": round(loss, 6),
        "perplexity": _exp(loss),
        "word_perplexity": _exp(loss * len(text.ids_N) / text.words),
        "bits_per_byte": round(bits / text.bytes, 6),
        "bits_per_clean_byte": round(bits / text.clean_bytes, 6),
        **_by_published_unit(loss * len(text.ids_N), text.published),
    }


def _by_published_unit(nats: float, published: PublishedSize | None) -> dict[str, Any]:
    """Return the loss of a whole text, in nats, by the units that it was published in."""
    if published is None:
        return {}
    return {
        "published_words": published.words,
        "published_lines": published.lines,
        "lost_words": published.lost,
        "published_word_perplexity": _exp(nats / published.words),
        "published_token_perplexity": _exp(nats / (published.words + published.lines)),
    }


@torch.no_grad()
def token_losses(model: LanguageModel, ids_N: np.ndarray, stride: int, batch: int | None = None) -> np.ndarray:
    """Return the loss (nats) of each token given those before it in its window: float32, (N,); NaN where unscored.

    Args:
        batch: windows read at once; None: as many as fit `TOKENS_AT_ONCE`. Changes rounding only.

    Raises:
        PretraceError: the loss of a token that is scored is not finite.
    """
    context, losses_N = model.context, np.full(len(ids_N), np.nan, np.float32)
    batch = batch or max(1, TOKENS_AT_ONCE // context)
    with progress(total=len(ids_N), unit="tokens", description="evaluate") as bar:
        for starts, first, length in window_groups(len(ids_N), context, stride, batch):
            positions_BT = starts[:, None] + np.arange(length)
            losses = _losses(model, ids_N[positions_BT], first)
            if not np.isfinite(losses).all():
                raise PretraceError("the model's losses are not finite; its weights are damaged")
            losses_N[positions_BT[:, first:]] = losses
            bar.update(losses.size)
    return losses_N


def window_groups(tokens: int, context: int, stride: int, batch: int) -> Iterator[tuple[np.ndarray, int, int]]:
    """Yield the windows of a stream, in groups of at most `batch` of one shape.

    Yields:
        Starts of the windows of a group; the position in them of the first scored token; their length. The first window
        scores all but its first token, and the last one is shorter where the stream ends.
    """
    yield np.array([0]), 1, min(context, tokens)
    first = max(1, context - stride)
    whole = np.arange(stride, tokens - context + 1, stride)
    for at in range(0, len(whole), batch):
        yield whole[at : at + batch], first, context
    last = stride * (len(whole) + 1)
    if first < tokens - last < context:
        yield np.array([last]), first, tokens - last


def _losses(model: LanguageModel, ids_BT: np.ndarray, first: int) -> np.ndarray:
    """Return the losses (B, T - first) of the tokens from position `first` on."""
    ids = torch.from_numpy(ids_BT.astype(np.int64)).to(next(model.parameters()).device)
    h_BTC = model.hidden(ids[:, :-1])  # the last token is only predicted; its position was never trained
    h_RC = model.output_states(h_BTC[:, first - 1 :].flatten(0, 1))
    targets_R = ids[:, first:].flatten()
    parts = zip(h_RC.split(ROWS_AT_ONCE), targets_R.split(ROWS_AT_ONCE), strict=True)
    output = model.output_weight(), model.output_bias
    losses = [F.cross_entropy(F.linear(h, *output).float(), targets, reduction="none") for h, targets in parts]
    return torch.cat(losses).view(len(ids), -1).cpu().numpy()


def describe(scores: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the results of `evaluate` as lines: (heading, text)."""
    yield "model", f"{scores['kind']}, {scores['parameters']:,} parameters, context {scores['context']}"
    unknown = scores["unknown_tokens"] / scores["tokens"]
    sizes = ", ".join(f"{scores[name]:,} {name}" for name in ("documents", "words", "bytes", "tokens"))
    yield "text", f"{sizes} ({unknown:.2%} unknown)"
    stride, context = scores["stride"], scores["context"]
    read = f"each after at least {context - stride:,}, except at the start" if stride < context else "as for val_loss"
    yield "stride", f"{stride:,}: {scores['scored_tokens']:,} tokens are scored, {read}"
    yield "loss", f"{scores['loss']:.4f} nats/token"
    yield "perplexity", f"{_large(scores['perplexity'])} per token, {_large(scores['word_perplexity'])} per word"
    yield (
        "bits/byte",
        f"{scores['bits_per_byte']:.4f} of the raw text, {scores['bits_per_clean_byte']:.4f} of the cleaned text",
    )
    if "published_as" in scores:
        words, lines = scores["published_words"], scores["published_lines"]
        yield "published", f"as {scores['published_as']}: {words:,} words in {lines:,} lines"
        word, token = _large(scores["published_word_perplexity"]), _large(scores["published_token_perplexity"])
        yield "", f"perplexity {word} per published word, {token} with line ends counted"
        yield "", f"the plain text that the model reads gives back all but {scores['lost_words']:,} of the words"


def _large(number: float | None) -> str:
    return "more than 1e304" if number is None else f"{number:,.2f}" if number < 1e6 else f"{number:.3g}"


def _exp(value: float) -> float | None:
    return round(math.exp(value), 4) if value < 700 else None
