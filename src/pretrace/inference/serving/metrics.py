"""`/metrics`, in the text format that Prometheus reads."""

from __future__ import annotations

from pretrace.common.hardware import peak_memory_bytes
from pretrace.inference.engine.thread import Engine


def metrics_text(engine: Engine) -> str:
    """Return all metrics."""
    counters = engine.counters
    rows = [
        ("pretrace_texts_total", "counter", "Texts that have ended.", counters.texts),
        ("pretrace_texts_left_total", "counter", "Texts whose client has gone.", counters.left),
        ("pretrace_requests_refused_total", "counter", "Requests refused as the queue was full.", counters.refused),
        ("pretrace_prompt_tokens_total", "counter", "Tokens of prompts.", counters.prompt_tokens),
        ("pretrace_tokens_total", "counter", "Tokens that were drawn.", counters.tokens),
        ("pretrace_steps_total", "counter", "Turns of the engine over its models.", counters.steps),
        ("pretrace_busy_seconds_total", "counter", "Time that the engine computed.", counters.busy_seconds),
        ("pretrace_texts_waiting", "gauge", "Texts in the queue.", engine.waiting),
        ("pretrace_texts_running", "gauge", "Texts that grow.", engine.running),
        ("pretrace_models_loaded", "gauge", "Models in memory.", len(engine.shelf.loaded)),
        (
            "pretrace_models_bytes",
            "gauge",
            "Bytes of models in memory, with keys and values.",
            sum(one.bytes for one in engine.shelf.loaded),
        ),
        ("pretrace_peak_memory_bytes", "gauge", "Most memory of the process.", peak_memory_bytes()),
    ]
    return "".join(f"# HELP {name} {text}\n# TYPE {name} {kind}\n{name} {value}\n" for name, kind, text, value in rows)
