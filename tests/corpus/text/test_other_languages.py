# ruff: noqa: RUF001
"""GPT-1's recipe with the tokenizers of other languages, from raw text to ids."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, Gpt1Words, clean_documents, clean_text_plainly, read_documents, write_documents
from pretrace.corpus.text.chunks.word_tokenizer import ChunkTokenizer
from pretrace.corpus.text.other_languages import clean_text_of, clean_text_of_plainly, tokenizer_of
from pretrace.settings import Corpus, VocabularySettings
from pretrace.tokens import load_vocabulary, train_on_documents
from pretrace.tokens.shards import write_shards

TEXTS = {
    "fr": ("L\u2019homme n\u2019est PAS venu\u2026", "l' homme n' est pas venu ..."),
    "de": ("Er sagte: \u201eKein Wort!\u201c", 'er sagte : " kein wort ! "'),
    "zh": ("\u6211\u4eec\u53bb\u3002", "\u6211 \u4eec \u53bb \u3002"),
    "ar": ("\u0645\u0631\u062d\u0628\u0627 \u0628\u0643\u060c", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643 \u060c"),
}


@pytest.mark.slow
@pytest.mark.parametrize("language", TEXTS)
def test_corpus_of_another_language_becomes_ids(language: str, tmp_path: Path) -> None:
    raw, words = TEXTS[language]
    assert Gpt1Words(language)(f"{raw}\r\n\n {raw}") == f"{words}\n{words}"
    documents = [Document(str(n), "s", f"{raw}\n{n} {raw}") for n in range(14)]
    write_documents(tmp_path / "raw", documents)
    clean_documents(tmp_path / "raw", tmp_path / "clean", Corpus(packages=["unused"]), language=language)
    chosen = VocabularySettings.model_construct(kind="words_bpe", size=20 if language == "zh" else 24, lower_case=True)
    folders = tmp_path / "clean/train", tmp_path / "vocabulary", tmp_path, tmp_path / "prepared"
    train_on_documents(chosen, *folders, None, language)
    vocabulary = load_vocabulary(tmp_path / "vocabulary")
    assert vocabulary.prepare(raw) == words
    assert vocabulary.description.language == language
    manifest = write_shards(tmp_path / "clean", vocabulary, tmp_path / "shards")
    kept = list(read_documents(tmp_path / "clean" / "train"))
    assert manifest.splits["train"].bytes == sum(len(document.text.encode()) + 1 for document in kept)
    assert {document.text for document in kept} <= {document.text for document in documents}


SCRIPTS = {
    "fr": "L'éÀùçêÎŒœ «»“”’-–—…abzAZ",
    "de": "äöüÄÖÜßẞ „“‚‘–abzAZ",
    "es": "¿¡ñÑáéíóúü ºªabzAZ",
    "ru": "абвгджзийклэюяАБВГРСЯёЁЂў «»№—",
    "ar": "\u0645\u0631\u062d\u0628\u0627\u0643\u064b\u0651\u060c\u061b\u061f\u0660\u0663 \u00ab\u00bb",
    "zh": "我们去好的，。！？：；（）“”《》、\u3000ＡＢ１２",
    "el": "αβγδεζΣσςΑΒΓΞΟ ΐύ·«»",
}
EVERYWHERE = [
    *" .,:;!?'\"()-/%&<>@#$€£°0123456789",
    "\n",
    "\r\n",
    "\t",
    "\xa0",
    "\xad",
    "\u200d",
    "\u2028",
    "\x85",
    "\ufb01",
    "\U0001f600",
]


def hostile(language: str, seed: int, count: int) -> list[str]:
    """Return texts of a script's letters, signs, special words of spaCy and their parts, in odd neighborhoods."""
    draw = random.Random(f"{language}{seed}")
    special = sorted(getattr(tokenizer_of(language), "rules", None) or [":o)"])
    letters = list(SCRIPTS[language])

    def piece() -> str:
        kind = draw.random()
        if kind < 0.15:
            word = draw.choice(special)
            return word if draw.random() < 0.5 else " ".join(word)
        if kind < 0.45:
            return draw.choice(EVERYWHERE)
        return "".join(draw.choices(letters, k=draw.choice((1, 2, 3, 6))))

    return ["".join([piece() for _ in range(draw.randint(1, 12))]) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("language", SCRIPTS)
def test_every_text_is_cleaned_as_by_the_recipe(language: str) -> None:
    for text in hostile(language, seed=1, count=400):
        assert clean_text_of(language, text) == clean_text_of_plainly(language, text), ascii(text)


@pytest.mark.nightly
@pytest.mark.parametrize("language", SCRIPTS)
def test_twenty_thousand_texts_are_cleaned_as_by_the_recipe(language: str) -> None:
    for text in hostile(language, seed=2, count=20_000):
        assert clean_text_of(language, text) == clean_text_of_plainly(language, text), ascii(text)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["fr", "de", "ru"])
def test_words_of_one_shape_are_split_by_spacy_once(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.text.chunks.chunk_shapes.OFTEN", 1)
    chunks = ChunkTokenizer(tokenizer_of(language))
    asked: list[str] = []
    ask = chunks._spacy_tokens
    monkeypatch.setattr(chunks, "_spacy_tokens", lambda new: asked.extend(new) or ask(new))
    letters = [letter for letter in SCRIPTS[language].lower() if letter.isalpha()]
    words = ["".join(pair) for pair in itertools.product(letters, repeat=2)]
    new = [*words, *(f"{word}:" for word in words)]
    plain = tokenizer_of(language)
    assert chunks.tokens(new) == [" ".join([token.text.lower() for token in plain(chunk)]) for chunk in new]
    assert 0 < len(asked) < len(words) / 2


def test_english_line_by_line_is_the_plain_recipe() -> None:
    text = "It\u2019s HERE, can't\r\n\n(No. 5) &amp; \u201cmore\u201d"
    assert clean_text_of("en", text) == clean_text_plainly(text)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("qq", r"^params\.yaml: text\.language: got 'qq', which spaCy does not have"),
        ("th", r"^params\.yaml: text\.language: th: spaCy needs a package that is not installed: .*PyThaiNLP"),
    ],
)
def test_missing_language_is_one_line(language: str, said: str) -> None:
    with pytest.raises(PretraceError, match=said):
        Gpt1Words(language)("text")
