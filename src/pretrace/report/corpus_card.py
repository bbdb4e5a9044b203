"""The card of the corpus: what came in, what stayed, what went and why, from what the stage `clean` noted."""

from __future__ import annotations

from typing import Any

REASONS = {
    "empty": "nothing was left of the text",
    "repeated": "the text stood earlier",
    "near_duplicates": "nearly the same as an earlier document; the value is their Jaccard similarity",
    "boilerplate": "lines that stand in many documents; the value is their number",
    "contamination": "runs of words that a task's dev or test text has, too; the value is their number",
}
"""What a reason means; the others are named as the setting under `corpus.quality` whose bound was crossed."""
MOST_SOURCES = 20
"""Sources in the table, those of which most was dropped first."""


def corpus_card(clean: dict[str, Any], cost: dict[str, Any]) -> dict[str, Any]:
    """What the page's section on the corpus shows of `reports/clean.json` and of the stage's cost."""
    examples, sources = clean.get("examples", {}), clean.get("left_out_by_source", {})
    dropped = [
        _reason(reason, _documents(number), examples.get(reason, []))
        for reason, number in sorted(clean.get("left_out", {}).items(), key=lambda item: (-item[1], item[0]))
        if number
    ]
    cut = [
        _reason(reason, _lines(sums), examples.get(f"{reason} (cut)", []))
        for reason, sums in clean.get("cut", {}).items()
    ]
    largest = sorted(sources, key=lambda source: (-sum(sources[source].values()), source))
    seconds = cost.get("clean", {}).get("seconds")
    return {
        "dropped": dropped,
        "cut": cut,
        "sources": [(source, sum(sources[source].values()), sources[source]) for source in largest[:MOST_SOURCES]],
        "more_sources": max(0, len(largest) - MOST_SOURCES),
        "frequent_words": clean.get("frequent_words", []),
        "groups": clean.get("near_duplicate_groups") or {"groups": 0, "documents": 0},
        "evaluation": clean.get("evaluation_texts"),
        "contamination": clean.get("contamination", {}),
        "rate": clean["bytes_in"] / seconds / 1e6 if seconds and "bytes_in" in clean else None,
    }


def _reason(reason: str, number: str, examples: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [{"detail": "", **example, "value": _value(example["value"])} for example in examples]
    return {"reason": reason, "meaning": REASONS.get(reason, ""), "number": number, "examples": shown}


def _lines(sums: dict[str, int]) -> str:
    return f"{sums['lines']:,} lines with {sums['words']:,} words, in {_documents(sums['documents'])}"


def _documents(number: int) -> str:
    return "1 document" if number == 1 else f"{number:,} documents"


def _value(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
