"""Benchmarks: pretrace and other libraries side by side, on this machine.

    make bench                                      # all: about half an hour
    python benchmarks/bench.py cleaning shards      # some; the file keeps what it has of the rest

All arms of a comparison do the same work in turns, in one run, so that other load on the machine affects all of them.
Medians of the rounds, their ratio and whether the results are the same go to reports/bench.json. Ratios are more
reliable than times.

cleaning, workers       the recipe for text against the plain one; two processes against one (cleaning.py)
languages               other languages than English against the plain recipe (languages.py)
short, alike            short documents, and near duplicates where all are alike (near_duplicates.py)
vocabulary, encoding    tokens and ids against tokenizers and sentencepiece (vocabulary.py)
byte_level              GPT-2's kind of vocabulary, trained and applied, against tokenizers (byte_level.py)
shards, memory          raw text to shards, end to end, and the memory that takes (shards.py, memory.py)
training, gpt1          a training step against transformers at two small sizes, and at GPT-1's (training.py)
lineage                 the same of GPT-1, GPT-2 and BERT in one run, and how far apart their ratios are (lineage.py)
finetuning              a fine-tuning step against a padded loop over transformers (finetuning.py)
generation              text from a model, of one prompt and of 64 (generation.py)
few_shot                scores of choices behind examples, against lm-evaluation-harness (few_shot.py)
units                   an update by unit, against one without, and in 1, 2 and 4 processes (units.py)
loading, precision      the share of a step that is not training; bfloat16 against float32 (loading.py, precision.py)
pipeline                a repro with nothing to do against a bare pipeline; the start of a stage (pipeline.py)
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from byte_level import compare_byte_level
from cleaning import compare_cleaning, compare_workers
from few_shot import compare_few_shot
from finetuning import compare_finetuning
from generation import compare_generation
from languages import compare_languages
from lineage import compare_lineage
from loading import compare_loading
from memory import compare_memory
from near_duplicates import compare_alike, compare_short
from peers import train_hugging_face, write_vocabulary
from pipeline import compare_pipeline
from precision import compare_precision
from shards import compare_shards
from texts import read_texts
from training import compare_training, sizes
from units import compare_units
from vocabulary import compare_encoding, compare_vocabulary, lines_of, vocabulary_size

from pretrace.common.files import read_json, write_json
from pretrace.common.provenance import processor
from pretrace.corpus import clean_text
from pretrace.settings import load_settings

OUT = Path("reports/bench.json")
SHARDS = Path("data/shards")
GPT1_ARMS = ("plain", "ours_float32", "ours")
"""Compiling transformers' model of that size takes longer than all the rest."""
Results = Iterator[dict[str, Any]]


class Inputs:
    """Inputs that several comparisons share, created when the first one needs them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def texts(self) -> list[str]:
        return read_texts()

    @cached_property
    def cleaned(self) -> list[str]:
        return [clean_text(text) for text in self.texts]

    @cached_property
    def vocabulary(self) -> Path:
        """A vocabulary in Hugging Face's format."""
        write_vocabulary(train_hugging_face(lines_of(self.cleaned), vocabulary_size(self.cleaned)), self._folder)
        return self._folder


def compare_training_sizes(_: Inputs) -> Results:
    yield compare_training(sizes()["laptop"], 8, 5)
    yield compare_training(sizes()["wide"], 8, 5)


def if_shards(compare: Callable[[Path], Results]) -> Callable[[Inputs], Results]:
    """Wrap a comparison that needs the shards of the first system: no result if they do not exist."""

    def compared(_: Inputs) -> Results:
        shards = SHARDS / load_settings().first_system
        return compare(shards) if (shards / "manifest.json").exists() else iter([])

    return compared


COMPARISONS: dict[str, Callable[[Inputs], Results]] = {
    "cleaning": lambda inputs: iter([compare_cleaning(inputs.texts)]),
    "workers": lambda inputs: iter([compare_workers(inputs.texts)]),
    "languages": lambda _: iter(compare_languages()),
    "short": lambda inputs: iter(compare_short(inputs.texts)),
    "alike": lambda _: iter(compare_alike()),
    "vocabulary": lambda inputs: iter([compare_vocabulary(inputs.cleaned)]),
    "encoding": lambda inputs: iter([compare_encoding(inputs.cleaned, inputs.vocabulary)]),
    "byte_level": lambda inputs: iter(compare_byte_level(inputs.texts)),
    "shards": lambda inputs: iter([compare_shards(inputs.texts, inputs.vocabulary)]),
    "memory": lambda inputs: iter([compare_memory(inputs.texts, inputs.vocabulary)]),
    "training": compare_training_sizes,
    "gpt1": lambda _: iter([compare_training(sizes()["gpt1"], 2, 1, GPT1_ARMS)]),
    "lineage": lambda _: iter(compare_lineage()),
    "finetuning": compare_finetuning,
    "generation": lambda _: compare_generation(),
    "few_shot": lambda _: compare_few_shot(),
    "units": if_shards(compare_units),
    "loading": if_shards(lambda shards: iter([compare_loading(shards)])),
    "precision": if_shards(lambda shards: iter([compare_precision(shards)])),
    "pipeline": compare_pipeline,
}


def main(names: list[str]) -> None:
    """Run the named comparisons, or all of them; print a line for each, and write the file."""
    unknown = sorted(set(names) - set(COMPARISONS))
    if unknown:
        sys.exit(f"bench.py: no comparison {', '.join(unknown)}; takes {', '.join(COMPARISONS)}")
    comparisons = read_json(OUT)["comparisons"] if names and OUT.exists() else {}
    all_same = True
    with tempfile.TemporaryDirectory() as folder:
        inputs = Inputs(Path(folder))
        for name in names or COMPARISONS:
            comparisons[name] = []
            for result in COMPARISONS[name](inputs):
                print(line_of(result), flush=True)
                comparisons[name].append(result | {"machine": machine()})
                all_same = all_same and result["same"]
            write_json(OUT, {"comparisons": {name: comparisons[name] for name in COMPARISONS if name in comparisons}})
    if not all_same:
        sys.exit(1)


def line_of(result: dict[str, Any]) -> str:
    medians = ", ".join(f"{arm} {value:.4g}" for arm, value in result["medians"].items())
    same = "same result" if result["same"] else "DIFFERENT RESULTS"
    return f"{result['work']}: {medians} {result['unit']}; {result['ratio']:.4g} {result['says']}; {same}"


def machine() -> dict[str, Any]:
    """Describe the machine of a result."""
    import torch

    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
