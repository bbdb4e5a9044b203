"""A vocabulary with special tokens after its own: the ids of text stay what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pretrace.common.errors import PretraceError
from pretrace.schemas.record import write_record
from pretrace.tokens import ExtendedVocabulary, copy_vocabulary, load_vocabulary, train_vocabulary
from tests.helpers.small_byte_vocabulary import write_byte_vocabulary, write_wordpiece
from tests.helpers.word_counts import TEXT, write_counts

NAMES = ["[PAD]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("vocabulary")
    train_vocabulary(write_counts(base / "counts.tsv"), base / "out", 150)
    return base / "out"


def test_special_tokens_have_the_last_ids_and_text_has_its_own(folder: Path) -> None:
    words = load_vocabulary(folder)
    extended = ExtendedVocabulary(words)
    assert (extended.padding_id, extended.first_id, extended.separator_id, extended.mask_id) == (150, 151, 152, 153)
    assert (extended.size, extended.document_end_id, extended.unknown_id) == (154, words.document_end_id, 0)
    assert words.mask_id is None
    text = "The Fox [MASK].\nthe dog"
    prepared = words.prepare(text)
    assert extended.prepare(text) == prepared
    assert extended.encode(text) == words.encode(text)
    assert max(extended.encode(text)) < 150
    for ours, theirs in zip(
        extended.encode_arrays([prepared, TEXT]), words.encode_arrays([prepared, TEXT]), strict=True
    ):
        assert ours.tolist() == theirs.tolist()
    assert extended.encode_array(prepared).tolist() == words.encode_array(prepared).tolist()
    assert extended.decode([151, *words.encode("the fox"), 153, 152]) == "[CLS] the fox [MASK] [SEP]"
    assert extended.decode(words.encode(text)) == words.decode(words.encode(text))


def test_ids_are_of_the_type_that_the_size_needs() -> None:
    class Large:
        size, fingerprint, document_end_id, unknown_id, files, released_names = 1 << 16, "f" * 64, 1, 0, (), ()
        mask_id = first_id = separator_id = padding_id = recipe = None
        between = ""
        description = load_vocabulary

        def encode_array(self, prepared: str) -> np.ndarray:
            return np.array([5], "<u2")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pretrace.tokens.special_rows.VocabularyRecord", dict)
        assert ExtendedVocabulary(Large(), ["[MASK]"]).encode_array("x").dtype == np.dtype("<u4")


def test_folder_of_an_extended_vocabulary_is_opened_as_such(folder: Path, tmp_path: Path) -> None:
    copy_vocabulary(folder, tmp_path / "out")
    write_record(tmp_path / "out" / "vocabulary.json", ExtendedVocabulary(load_vocabulary(folder)).description)
    opened = load_vocabulary(tmp_path / "out")
    assert opened.mask_id == 153
    assert opened.fingerprint != load_vocabulary(folder).fingerprint
    again = copy_vocabulary(tmp_path / "out", tmp_path / "again")
    assert load_vocabulary(tmp_path / "again").description == again.description == opened.description
    text = (tmp_path / "out" / "vocabulary.json").read_text()
    (tmp_path / "out" / "vocabulary.json").write_text(text.replace("[MASK]", "[MASKS]"))
    with pytest.raises(PretraceError, match=r"vocabulary.json: special tokens: got .*\[MASKS\]; takes of \[PAD\]"):
        load_vocabulary(tmp_path / "out")
    (tmp_path / "out" / "vocabulary.json").write_text(text.replace('"[CLS]", ', "").replace('"[CLS]",', ""))
    with pytest.raises(PretraceError, match=r"does not match the fingerprint"):
        load_vocabulary(tmp_path / "out")
    (tmp_path / "out" / "vocabulary.json").write_text('{"kind": "extended", "size": 9, "fingerprint": "f"}')
    with pytest.raises(PretraceError, match=r"takes `specials`, and a `base`"):
        load_vocabulary(tmp_path / "out")


@pytest.mark.parametrize("names", [["[MASK]", "[MASK]"], ["[UNK]"], ["mask"]])
def test_other_special_tokens_are_refused(tmp_path: Path, names: list[str]) -> None:
    vocabulary = load_vocabulary(write_byte_vocabulary(tmp_path))
    with pytest.raises(PretraceError, match="special tokens: got"):
        ExtendedVocabulary(vocabulary, names)


def test_what_a_vocabulary_has_is_not_added(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match="those that the vocabulary does not have"):
        ExtendedVocabulary(load_vocabulary(write_wordpiece(tmp_path)), NAMES)
