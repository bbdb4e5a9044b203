"""Exported models name the special tokens of their own vocabulary: `generate` ends where ours ends a document."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForPreTraining, AutoTokenizer

from pretrace.export import export
from pretrace.model import Transformer, save_model
from pretrace.schemas.record import write_record
from pretrace.settings import ModelSettings
from pretrace.tokens import ExtendedVocabulary, Vocabulary, load_vocabulary
from pretrace.tokens.byte_bpe import END_OF_TEXT
from pretrace.tokens.load import DESCRIPTION
from tests.helpers.small_byte_vocabulary import write_byte_vocabulary, write_wordpiece
from tests.helpers.small_vocabulary import write_openai_vocabulary

SIZES = {"layers": 1, "width": 8, "heads": 2, "feed_forward": 32, "context": 16, "dropout": 0.0, "initial_std": 0.02}
GPT2 = {"norm": "pre", "embedding_dropout": "sum"}
BERT = {
    "attention": "full",
    "embedding_norm": True,
    "segments": 2,
    "output": "transform",
    "next_sentence": True,
    "embedding_dropout": "sum",
}


def exported(tmp_path: Path, write: Callable[[Path], Path], **form: object) -> tuple[Path, Vocabulary]:
    vocabulary = load_vocabulary(write(tmp_path / "model" / "vocabulary"))
    save_model(tmp_path / "model", Transformer(ModelSettings(**SIZES, **form), vocabulary.size, seed=1))
    return export(tmp_path / "model", "huggingface", tmp_path / "out"), vocabulary


def test_generate_ends_at_the_end_of_a_text(tmp_path: Path) -> None:
    folder, vocabulary = exported(tmp_path, write_byte_vocabulary, **GPT2)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    theirs = AutoModelForCausalLM.from_pretrained(folder)
    end = vocabulary.document_end_id
    assert (tokenizer.eos_token, tokenizer.eos_token_id) == (END_OF_TEXT, end)
    for config in (theirs.config, theirs.generation_config):
        assert config.eos_token_id == config.bos_token_id == end
    prompt = tokenizer("the", return_tensors="pt")
    options = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": end}
    assert theirs.generate(**prompt, min_new_tokens=6, **options).shape[1] == prompt["input_ids"].shape[1] + 6
    with torch.no_grad():  # the hidden state is the norm's bias, and only the end's embedding is like it
        theirs.transformer.ln_f.weight.zero_()
        theirs.transformer.ln_f.bias.fill_(1.0)
        theirs.transformer.wte.weight[end] = 9.0
    assert theirs.generate(**prompt, **options)[0].tolist() == [*vocabulary.encode("the"), end]


def test_bert_has_the_ids_of_its_vocabulary(tmp_path: Path) -> None:
    folder, vocabulary = exported(tmp_path, write_wordpiece, **BERT)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    config = AutoModelForPreTraining.from_pretrained(folder).config
    ours = {"pad": vocabulary.padding_id, "cls": vocabulary.first_id, "sep": vocabulary.separator_id}
    for name, number in (ours | {"mask": vocabulary.mask_id}).items():
        assert getattr(tokenizer, f"{name}_token_id") == getattr(config, f"{name}_token_id") == number, name
    assert not {"eos_token_id", "bos_token_id"} & json.loads((folder / "config.json").read_text()).keys()


def test_bert_with_added_tokens_pads_with_them(tmp_path: Path) -> None:
    def write(folder: Path) -> Path:
        vocabulary = ExtendedVocabulary(load_vocabulary(write_byte_vocabulary(folder)))
        write_record(folder / DESCRIPTION, vocabulary.description)
        return folder

    folder, vocabulary = exported(tmp_path, write, **BERT)
    config = AutoModelForPreTraining.from_pretrained(folder).config
    assert config.pad_token_id == AutoTokenizer.from_pretrained(folder).pad_token_id == vocabulary.padding_id == 265


@pytest.mark.parametrize(("form", "named"), [(GPT2, True), ({"embedding_dropout": "table"}, False)])
def test_words_end_with_a_line_where_the_class_has_another_end(
    tmp_path: Path, form: dict[str, str], named: bool
) -> None:
    """GPT-1's class has none of its own, and its text goes on behind a line."""
    folder, vocabulary = exported(tmp_path, write_openai_vocabulary, **form)
    config = json.loads((folder / "config.json").read_text())
    assert config.get("eos_token_id") == (vocabulary.document_end_id if named else None)
