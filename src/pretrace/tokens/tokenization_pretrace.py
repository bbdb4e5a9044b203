"""Tokenizers of language models made with pretrace, for Hugging Face's transformers.

    AutoTokenizer.from_pretrained(FOLDER, trust_remote_code=True)

`pretrace export --to huggingface` puts this file beside the model. It stands alone: it needs transformers, ftfy, spaCy
and, for the vocabularies that pretrace trains, sentencepiece, and not pretrace. Text is cleaned as GPT-1's was, step by
step, and each word becomes its tokens.

transformers has a tokenizer for GPT-1's vocabulary, but its ids differ: it lower-cases text before spaCy sees it, so
that "Mr." falls in two, and puts spaces around backslashes.
"""

import json
import math
import re
import shutil
from itertools import pairwise
from pathlib import Path

import ftfy
from spacy.lang.en import English
from transformers import PreTrainedTokenizer

try:  # in a `try`, as transformers asks for whatever else is imported
    import sentencepiece
except ImportError:
    sentencepiece = None

REPLACEMENTS = {"\u2014": "-", "\u2013": "-", "\u2015": "-", "\u2026": "...", "\u00b4": "'"}
RUN_OF_ONE_SIGN = re.compile(r"(([-~!\";?+,)(/*\[\]}{|_])\2*)")
OUTSIDE_VOCABULARY = "\U0010ffff"
"""Replaces sentencepiece's end of a word where that stands in the text itself, so that it is unknown."""


class WordTokenizer(PreTrainedTokenizer):
    """Splits text into words as GPT-1's code does; the classes below split words into tokens."""

    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012
    end_of_word = "</w>"
    newline = "\n"

    def __init__(self, unk_token="<unk>", eos_token=None, **kwargs):
        self.words = English().tokenizer
        super().__init__(unk_token=unk_token, eos_token=eos_token or self.newline, **kwargs)

    @property
    def all_special_ids(self):
        # What decoding leaves out where it is asked to: a line end ends a document, but is text as well.
        return [number for number in super().all_special_ids if number != self.eos_token_id]

    def get_vocab(self):
        own = {self._convert_id_to_token(number): number for number in range(self.vocab_size)}
        return own | self.get_added_vocab()

    def tokenize(self, text, **kwargs):
        # The inherited one takes the five characters "<unk>" in a text for the unknown token, and keeps each line end.
        added = sorted(self.get_added_vocab().keys() - {self.unk_token, self.eos_token}, key=len, reverse=True)
        parts = re.split("(" + "|".join(map(re.escape, added)) + ")", text) if added else [text]
        return [token for part in parts for token in ([part] if part in added else self._tokenize(part))]

    def _tokenize(self, text):
        text = ftfy.fix_text(text)
        for sign, plain in REPLACEMENTS.items():
            text = text.replace(sign, plain)
        text = RUN_OF_ONE_SIGN.sub(r" \1 ", text)
        text = re.sub(r"\s*\n\s*", " \n ", text)
        text = re.sub(r"[^\S\n]+", " ", text).strip()
        tokens = []
        for word in self.words(text):
            newline = word.text.strip(" ") == "\n"
            tokens += [self.newline] if newline else self.tokens_of(word.text.lower())
        return tokens

    def _decode(self, token_ids, skip_special_tokens=False, **kwargs):
        # The inherited one leaves out line ends with the special tokens. Added tokens read as words.
        ids = [token_ids] if isinstance(token_ids, int) else token_ids
        tokens = self.convert_ids_to_tokens(ids, skip_special_tokens)
        added = self.get_added_vocab().keys() - {self.unk_token, self.eos_token}
        return self.convert_tokens_to_string([token + self.end_of_word * (token in added) for token in tokens])

    def convert_tokens_to_string(self, tokens):
        text = "".join(tokens).replace(self.end_of_word, " ")
        return "\n".join(line.strip(" ") for line in text.split("\n"))

    def save_vocabulary(self, save_directory, filename_prefix=None):
        saved = []
        for argument, name in self.vocab_files_names.items():
            source = Path(getattr(self, argument))
            saved.append(Path(save_directory) / f"{filename_prefix + '-' if filename_prefix else ''}{name}")
            if saved[-1].resolve() != source.resolve():
                shutil.copyfile(source, saved[-1])
        return tuple(map(str, saved))


class PretraceTokenizer(WordTokenizer):
    """A vocabulary trained by pretrace, with the ids of pretrace."""

    vocab_files_names = {"vocab_file": "vocabulary.model"}  # noqa: RUF012
    end_of_word = "\u2581"

    def __init__(self, vocab_file, **kwargs):
        if sentencepiece is None:
            raise ImportError("this tokenizer needs sentencepiece: pip install sentencepiece")
        self.vocab_file = vocab_file
        self.sp_model = sentencepiece.SentencePieceProcessor(model_file=vocab_file)
        super().__init__(**kwargs)

    @property
    def vocab_size(self):
        return self.sp_model.get_piece_size()

    def tokens_of(self, word):
        return self.sp_model.encode(word.replace(self.end_of_word, OUTSIDE_VOCABULARY), out_type=str)

    def _convert_token_to_id(self, token):
        return self.sp_model.piece_to_id(token)

    def _convert_id_to_token(self, index):
        return self.sp_model.id_to_piece(index)


class GPT1Tokenizer(WordTokenizer):
    """OpenAI's vocabulary, or one of its form, with the ids of OpenAI's code."""

    vocab_files_names = {"vocab_file": "vocab.json", "merges_file": "merges.txt"}  # noqa: RUF012
    newline = "\n</w>"

    def __init__(self, vocab_file, merges_file, **kwargs):
        self.vocab_file, self.merges_file = vocab_file, merges_file
        self.encoder = json.loads(Path(vocab_file).read_text(encoding="utf-8"))
        self.decoder = {number: token for token, number in self.encoder.items()}
        merges = Path(merges_file).read_text(encoding="utf-8").split("\n")[1:]
        self.ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges) if merge}
        self.cache = {}
        super().__init__(**kwargs)

    @property
    def vocab_size(self):
        return len(self.encoder)

    def tokens_of(self, word):
        if word in self.cache:
            return self.cache[word]
        tokens = [*word[:-1], word[-1] + self.end_of_word]
        while len(tokens) > 1:
            pair = min(pairwise(tokens), key=lambda pair: self.ranks.get(pair, math.inf))
            if pair not in self.ranks:
                break
            merged, at = [], 0
            while at < len(tokens):
                count = 2 if tuple(tokens[at : at + 2]) == pair else 1
                merged.append("".join(tokens[at : at + count]))
                at += count
            tokens = merged
        self.cache[word] = tokens
        return tokens

    def _convert_token_to_id(self, token):
        return self.encoder.get(token, self.encoder.get(self.unk_token))

    def _convert_id_to_token(self, index):
        return self.decoder.get(index, self.unk_token)
