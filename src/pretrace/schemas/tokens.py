"""The tokenizer's files, and the shards of token ids."""

from __future__ import annotations

from pydantic import Field

from pretrace.schemas.record import Record


class VocabularyRecord(Record):
    """Which tokenizer a folder holds."""

    kind: str
    """Kind of tokenizer: sentencepiece-bpe, openai-bpe, byte-bpe, wordpiece or words; extended: of one of these, with
    special tokens after its own."""
    size: int
    """Number of token ids; they run from 0 to size - 1."""
    fingerprint: str
    """SHA-256 that two tokenizers share only if they give the same ids."""
    language: str | None = None
    """Language of the tokenizer that makes words, where it is not English; for sentencepiece-bpe and words."""
    lower_case: bool | None = None
    """True if letters become small and lose their accents; for wordpiece."""
    specials: list[str] | None = None
    """Special tokens, whose ids are the last; for extended."""
    base: VocabularyRecord | None = None
    """The tokenizer of text that has those special tokens; for extended."""


class VocabularyReport(Record):
    """Size of the vocabulary, and how well it encodes the validation documents."""

    kind: str | None = None
    """Kind of tokenizer, as in its folder; missing in files of older versions."""
    size: int
    """Number of token ids."""
    distinct_words: int | None = None
    """Distinct words of the training text that it was learned from; for sentencepiece-bpe and words."""
    longest_piece: str | None = None
    """The longest token; missing for a tokenizer from elsewhere."""
    tokens_per_word: float
    """Mean number of tokens of a word."""
    bytes_per_token: float
    """Mean number of UTF-8 bytes of a token."""
    unknown_share: float
    """Share of tokens with the unknown id."""
    systems: dict[str, VocabularyReport] = Field(default_factory=dict)
    """Those of further systems, by name; in reports/bpe.json alone."""


class OffsetsFile(Record):
    """The file with the positions at which documents begin."""

    name: str
    """Name in the folder of the shards: little-endian uint64, one for each document and one for the end."""
    sha256: str
    """SHA-256 of the file."""


class ShardFile(Record):
    """One file of token ids."""

    name: str
    """Name in the folder of the shards."""
    tokens: int
    """Token ids in the file."""
    documents: int
    """Documents in the file; each is whole."""
    sha256: str
    """SHA-256 of the file."""


class MixedSource(Record):
    """A source of the training text, with its weight."""

    source: str
    part: int
    """Sequences of it among as many as the parts of all sources are together; 0: it is not read."""
    tokens: int
    """Token ids."""
    documents: int


class SourcesFile(Record):
    """The file with the source of each document."""

    name: str
    """Name in the folder of the shards: little-endian uint32, the index in `sources`, in the order of the stream."""
    sha256: str
    """SHA-256 of the file."""


class SourceWeights(Record):
    """The mix of sources that training reads (`corpus.mix`)."""

    sources: list[MixedSource]
    """By name."""
    file: SourcesFile

    def weights(self) -> dict[str, float]:
        """Return the share of each source among the sequences that are read."""
        period = sum(source.part for source in self.sources)
        return {source.source: source.part / period for source in self.sources}


class SplitManifest(Record):
    """One split: a stream of token ids."""

    tokens: int
    """Token ids, one line end for each document among them."""
    words: int
    """Words of the text as the tokenizer reads it."""
    bytes: int
    """UTF-8 bytes of the raw text, with one line end for each document: what bits/byte counts."""
    documents: int
    offsets: OffsetsFile
    files: list[ShardFile]
    """In the order of the stream."""
    mix: SourceWeights | None = None
    """Of train, with `corpus.mix`; missing without."""


class Manifest(Record):
    """Content of the shards, with checksums."""

    vocabulary: str
    """Fingerprint of the tokenizer that made the ids."""
    vocabulary_size: int
    """Number of token ids of that tokenizer."""
    id_type: str
    """Type of an id: uint16 or uint32, little-endian."""
    splits: dict[str, SplitManifest]
    """By name: train, validation."""
