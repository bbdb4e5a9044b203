"""Bounds of the server. All are ours."""

from __future__ import annotations

from dataclasses import dataclass

BODY_BYTES = 1 << 20
"""Bytes of a request's body."""
HEADER_BYTES = 1 << 15
"""Bytes of a request's line and headers."""
BODY_SECONDS, SEND_SECONDS = 20.0, 60.0
"""Time for a client to send its request, and to take what is sent to it."""
MESSAGES, CHARACTERS = 500, 200_000
"""Messages of a conversation, and characters of a text."""
PROMPTS, CHOICES, STOPS, ALTERNATIVES = 64, 16, 4, 20
"""Prompts of a request, continuations of a prompt, stop texts, and likeliest tokens that are told."""
CONNECTIONS = 512


@dataclass(frozen=True)
class ServerLimits:
    """Bounds that a person may set."""

    rows: int = 16
    """Texts of a model that grow at once."""
    remembered: int = 8
    """Prompts of a model whose keys and values stay."""
    queue: int = 64
    """Texts that wait; beyond it a request is refused."""
    memory_bytes: int = 4 << 30
    """Bytes of all loaded models with their keys and values."""
    drain_seconds: float = 30.0
    """Time for what is under way when the server is told to stop."""
