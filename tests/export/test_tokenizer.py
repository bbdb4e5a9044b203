"""Tokenizers in transformers: GPT-2's and BERT's kinds without code of ours, special tokens named, the same ids."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer, BertTokenizerFast, GPT2TokenizerFast

from pretrace.export.tokenizer import write_tokenizer
from pretrace.tokens import ExtendedVocabulary, Vocabulary, load_vocabulary, train_vocabulary
from pretrace.tokens.byte_bpe import END_OF_TEXT
from tests.helpers.hostile_strings import HOSTILE
from tests.helpers.small_byte_vocabulary import PIECES, write_byte_vocabulary, write_wordpiece
from tests.helpers.small_vocabulary import write_openai_vocabulary
from tests.helpers.word_counts import write_counts


def exported(vocabulary: Vocabulary, folder: Path) -> Path:
    folder.mkdir()
    write_tokenizer(folder, vocabulary, 64)
    return folder


def test_byte_level_vocabulary_opens_without_code(tmp_path: Path) -> None:
    vocabulary = load_vocabulary(write_byte_vocabulary(tmp_path / "own"))
    folder = exported(vocabulary, tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["merges.txt", "tokenizer_config.json", "vocab.json"]
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    assert isinstance(tokenizer, GPT2TokenizerFast)
    assert (len(tokenizer), tokenizer.model_max_length) == (vocabulary.size, 64)
    assert tokenizer.eos_token_id == tokenizer.bos_token_id == vocabulary.document_end_id
    for text in HOSTILE:
        ids = vocabulary.encode(text)
        assert tokenizer(text, split_special_tokens=True)["input_ids"] == ids
        assert tokenizer.decode(ids) == vocabulary.decode(ids) == text
    assert tokenizer(END_OF_TEXT)["input_ids"] == [vocabulary.document_end_id]  # transformers' way, not ours
    assert load_vocabulary(folder).description == vocabulary.description


@pytest.mark.parametrize("lower_case", [True, False])
def test_wordpiece_opens_without_code(tmp_path: Path, lower_case: bool) -> None:
    vocabulary = load_vocabulary(write_wordpiece(tmp_path / "own", PIECES if lower_case else [*PIECES, "The"]))
    folder = exported(vocabulary, tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    assert isinstance(tokenizer, BertTokenizerFast)
    assert tokenizer.mask_token_id == vocabulary.mask_id
    assert tokenizer.pad_token_id == vocabulary.padding_id
    for text in ["The dogs", *HOSTILE]:
        ids = [vocabulary.first_id, *vocabulary.encode(text), vocabulary.separator_id]
        assert tokenizer(text)["input_ids"] == ids
    assert load_vocabulary(folder).description == vocabulary.description
    assert vocabulary.description.lower_case is lower_case


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["words", "openai", "bytes"])
def test_added_special_tokens_are_named(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("transformers.dynamic_module_utils", "transformers.utils.hub"):
        monkeypatch.setattr(f"{module}.HF_MODULES_CACHE", str(tmp_path / "modules"))
    if kind == "words":
        train_vocabulary(write_counts(tmp_path / "counts.tsv"), tmp_path / "own", 150)
    else:
        (write_openai_vocabulary if kind == "openai" else write_byte_vocabulary)(tmp_path / "own")
    vocabulary = ExtendedVocabulary(load_vocabulary(tmp_path / "own"))
    folder = exported(vocabulary, tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=kind != "bytes")
    assert len(tokenizer) == vocabulary.size
    for name in ("mask", "pad"):
        assert getattr(tokenizer, f"{name}_token_id") == getattr(vocabulary, f"{name}{'ding' * (name == 'pad')}_id")
    assert tokenizer.cls_token_id == vocabulary.first_id
    assert tokenizer.sep_token_id == vocabulary.separator_id
    assert tokenizer.eos_token_id == vocabulary.document_end_id
    the = vocabulary.encode("the")
    assert tokenizer("the[MASK]")["input_ids"] == [*the, vocabulary.mask_id]
    if kind != "bytes":
        assert tokenizer.decode([*the, vocabulary.mask_id, *the]) == "the [MASK] the"
    assert tokenizer("the fox\nthe")["input_ids"] == vocabulary.encode("the fox\nthe")
    assert load_vocabulary(folder).description == vocabulary.description
