"""Published texts that are words with spaces between them, and the rules of each (ours; GPT-2's were not published).

    wikitext            WikiText-2 and -103: `@-@`, `@,@` and `@.@` inside words, `= =` of headings, `<unk>`
    ptb                 Penn Treebank as Mikolov et al. 2010 have it: lower case, `N` for numbers, no punctuation
    one_billion_words   Chelba et al. 2013: sentences of news, one a line

`N` and `<unk>` stay as they are, as the words that they stand for are not known; lm-evaluation-harness writes `1` for
`N`, which cannot be undone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pretrace.evaluation.published_texts.words import Rules

TITLES = ("mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "gen", "gov", "sen", "rep", "rev", "hon", "col", "capt")
MONTHS = ("jan", "feb", "mar", "apr", "aug", "sept", "oct", "nov", "dec")
OTHERS = (
    "lt",
    "sgt",
    "maj",
    "adm",
    "no",
    "nos",
    "vs",
    "etc",
    "inc",
    "co",
    "corp",
    "ltd",
    "bros",
    "mt",
    "ft",
    "vol",
    "pp",
)
ABBREVIATIONS = frozenset((*TITLES, *MONTHS, *OTHERS))
"""Words that are written with a period inside of a sentence (ours)."""
PUNCTUATION = frozenset([",", ";", ":", "!", "?", ")", "]", "}", "%", ".", "..."])
OPENING = frozenset(["(", "[", "{", "$"])
CONTRACTIONS = r"'(?:s|t|m|d|re|ve|ll|S|T|M|D|RE|VE|LL)|(?<=s)'"

RULES: dict[str, Rules] = {
    "wikitext": Rules(
        left=PUNCTUATION,
        right=OPENING,
        quotes=frozenset('"'),
        endings=CONTRACTIONS,
        joints={"@-@": "-", "@,@": ",", "@.@": "."},
        abbreviations=ABBREVIATIONS,
        repeated="=",
    ),
    "ptb": Rules(left=frozenset(["%"]), right=frozenset(["$", "#"]), endings=r"n't|'(?:s|m|d|re|ve|ll)|(?<=s)'"),
    "one_billion_words": Rules(
        left=PUNCTUATION,
        right=OPENING,
        quotes=frozenset('"'),
        endings=CONTRACTIONS,
        abbreviations=ABBREVIATIONS,
    ),
}
"""By the names that `pretrace evaluate --published-as` takes."""


@dataclass(frozen=True)
class PublishedSize:
    """Units of a text as it was published, which its perplexity is divided by."""

    words: int = 0
    """Between white space."""
    lines: int = 0
    """Lines with words; models of words predict the end of each, too."""
    lost: int = 0
    """Words that the plain text does not give back."""

    def __add__(self, other: PublishedSize) -> PublishedSize:
        return PublishedSize(self.words + other.words, self.lines + other.lines, self.lost + other.lost)


def plain_text(published: str, rules: Rules) -> str:
    """Return the plain text of a published one, line by line."""
    return "\n".join(map(rules.plain_line, published.split("\n")))


def published_size(published: str, rules: Rules) -> PublishedSize:
    """Return the units of a published text."""
    return sum(_sizes(published.split("\n"), rules), PublishedSize())


def _sizes(lines: Iterable[str], rules: Rules) -> Iterable[PublishedSize]:
    for line in lines:
        if words := line.split():
            yield PublishedSize(len(words), 1, len(rules.lost_words(line)))
