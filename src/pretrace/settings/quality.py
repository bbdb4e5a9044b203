"""Which documents and lines of the corpus do not stay, and the numbers that decide."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pretrace.settings.section import Count, Positive, Section, Share


class LengthRules(Section):
    """How long a document may be (Gopher: Rae et al. 2021, A.1.1). Null switches one rule off."""

    least_words: Count | None = 50
    """Words between white space."""
    most_words: Count | None = 100_000
    """Meant for pages of the web: most novels are longer."""
    shortest_mean_word: Positive | None = 3.0
    """Characters a word, on average."""
    longest_mean_word: Positive | None = 10.0


class RepetitionRules(Section):
    """The largest shares of a document that may repeat itself (Gopher: Rae et al. 2021, Table A1). Null: off."""

    duplicate_lines: Share | None = 0.30
    """Lines that stood earlier in the document, of its lines."""
    duplicate_paragraphs: Share | None = 0.30
    """The same of paragraphs, which blank lines part."""
    duplicate_line_characters: Share | None = 0.20
    """Characters in lines that stood earlier."""
    duplicate_paragraph_characters: Share | None = 0.20
    top_ngrams: dict[Annotated[int, Field(ge=2, le=1000)], Share] = Field(default={2: 0.20, 3: 0.18, 4: 0.16})
    """By n: characters in the most frequent run of n words."""
    duplicate_ngrams: dict[Annotated[int, Field(ge=2, le=1000)], Share] = Field(
        default={5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
    )
    """By n: characters in runs of n words that stood earlier, each character counted once."""


class SymbolRules(Section):
    """What is not prose (Gopher: Rae et al. 2021, A.1.1; `digits` is ours). Null switches one rule off."""

    hashes_a_word: Share | None = 0.1
    """The most `#`, for each word."""
    ellipses_a_word: Share | None = 0.1
    bullet_lines: Share | None = 0.9
    """The largest share of lines that begin with a bullet."""
    ellipsis_lines: Share | None = 0.3
    """The largest share of lines that end with an ellipsis."""
    words_with_letters: Share | None = 0.8
    """The least share of words with a letter in them."""
    digits: Share | None = None
    """The largest share of digits among the characters that are not white space."""


class LanguageRules(Section):
    """Text of another language, told by the words that it lacks (Gopher: Rae et al. 2021, A.1.1)."""

    stop_words: Annotated[list[str], Field(min_length=1)] = Field(
        default=["the", "be", "to", "of", "and", "that", "have", "with"]
    )
    """In lower case; the default is Gopher's, for English."""
    least: Count = 2
    """So many different ones of them are in the document."""
    least_share: Share | None = None
    """Of all words, so many are among them (ours): what tells a whole book in which some English is quoted."""


class BoilerplateRules(Section):
    """Lines that stand in many documents (menus, licences) are cut out of them (ours)."""

    documents: Annotated[int, Field(ge=2, le=10**9)] = 10
    """In so many documents or more."""
    least_words: Count = 5
    """Shorter lines stay: "chapter i" and "no ." are in many books, and are theirs."""


class NearDuplicateRules(Section):
    """Documents that are nearly the same, found by MinHash and then compared exactly."""

    threshold: Annotated[float, Field(ge=0.3, le=1.0)] = 0.8
    """Least Jaccard similarity of the two sets of shingles."""
    shingle_words: Annotated[int, Field(ge=1, le=1000)] = 5
    """Words in a shingle."""
    action: Literal["drop", "group"] = "drop"
    """`drop`: the first of the corpus stays; `group`: all stay, on one side of train, validation and probes."""


class ContaminationRules(Section):
    """Documents that share a run of words with the dev or test text of a task that is read from files."""

    words: Annotated[int, Field(ge=4, le=1000)] = 13
    """Words in such a run (GPT-3: 8 to 13). Rows with fewer words are not looked for; the report says how many."""
    action: Literal["drop", "cut"] = "drop"
    """`drop`: the document goes; `cut`: the lines that the run stands in."""


class Quality(Section):
    """What cleaning drops besides empty documents and exact copies. All off is what GPT-1 did; `{}` switches a step on
    with the numbers of its source."""

    length: LengthRules | None = None
    repetition: RepetitionRules | None = None
    symbols: SymbolRules | None = None
    language: LanguageRules | None = None
    boilerplate: BoilerplateRules | None = None
    near_duplicates: NearDuplicateRules | None = None
    contamination: ContaminationRules | None = None
