"""Cleaning of other languages than English against the recipe written out: news of the development data."""

from __future__ import annotations

from typing import Any

from measure import in_turns, size_of, summary
from texts import BOOKS

from pretrace.corpus.text.other_languages import clean_text_of, clean_text_of_plainly, splitter_of, tokenizer_of

ROUNDS = 5
FILES = {
    "fr": [(f"translation/wmt14_en_fr/newstest{year}", "fr", None) for year in ("2008_2012", "2013", "2014")],
    "de": [(f"translation/wmt14_en_de/newstest{year}", "de", None) for year in ("2008_2012", "2013")],
    "zh": [("lm/flores101_devtest", "text", ("lang", "cmn_Hans"))],
    "ru": [("lm/flores101_devtest", "text", ("lang", "rus"))],
    "ar": [("lm/flores101_devtest", "text", ("lang", "ara"))],
}
"""By language: files, the column of the text, and the column and value of the rows."""


def compare_languages() -> list[dict[str, Any]]:
    """Compare `clean_text_of`, with an empty cache, with the recipe step by step: MB/s of raw text, by language."""
    return [_compare(language, text) for language in FILES if (text := _text(language))]


def _compare(language: str, text: str) -> dict[str, Any]:
    ways = {"ours": clean_text_of, "plain": clean_text_of_plainly}

    def run(arm: str) -> str:
        return ways[arm](language, text)

    for way in ways.values():
        way(language, "This loads spaCy's rules, which is not measured.")
    rounds: dict[str, list[float]] = {arm: [] for arm in ways}
    same = True
    for number in range(ROUNDS):
        made = {}
        for arm in sorted(ways, reverse=bool(number % 2)):
            for kept in (tokenizer_of, splitter_of):
                kept.cache_clear()
            ways[arm](language, "a")
            seconds, results = in_turns({arm: lambda arm=arm: run(arm)}, 1)
            rounds[arm].append(size_of([text]) / 1e6 / seconds[arm][0])
            made |= results
        same = same and made["ours"] == made["plain"]
    return summary(f"cleaning, language {language}", "MB/s", rounds, same, faster=1) | {"bytes": size_of([text])}


def _text(language: str) -> str:
    """Return the text of a language, a line for each sentence; nothing where the files are missing."""
    import pyarrow.parquet as pq

    lines: list[str] = []
    for name, column, only in FILES[language]:
        path = BOOKS.parent / f"{name}.parquet"
        if path.exists():
            table = pq.read_table(path, filters=[(only[0], "==", only[1])] if only else None)
            lines += table[column].to_pylist()
    return "\n".join(lines)
