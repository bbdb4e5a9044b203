"""GPT-1's recipe with the tokenizers of other languages, from raw text to ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import Document, Gpt1Words, clean_documents, clean_text_plainly, read_documents, write_documents
from pretrace.corpus.text.other_languages import clean_text_of
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
