"""The probe `describe`: from a function's name and parameters to the first sentence of its documentation.

Functions are those of the installed packages of the corpus, read with `ast`; nothing is imported. Whole packages are
divided into train, dev and test, so that no test row's neighbors are learned; a sentence that two functions share
stands in one split alone.

Documentation of any function may be text of pre-training. So a learner that starts from a pre-training may know it; the
row's number in `details` says how many packages there are, and the column from random weights is the fair one.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pretrace.corpus.readers.installed_docs import GRAMMAR, python_files
from pretrace.corpus.readers.prose import prose_paragraphs
from pretrace.sequences.rows import SPLITS, SequenceData, SequenceRow
from pretrace.tasks.probes.rows import shuffled
from pretrace.tasks.rows.draws import hash_name

WORDS = range(4, 31)
"""Words of a first sentence (ours)."""
SHARES = {"test": 0.2, "dev": 0.1}
"""Of the packages; at least one each (ours)."""
FIRST_SENTENCE = re.compile(r".+?[.!?](?=\s+[^\sa-z]|\s*$)")
"""Up to a sign that no small letter follows, as one does behind "e.g."."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def describe(packages: Sequence[str], wanted: dict[str, int], clean: Callable[[list[str]], list[str]]) -> SequenceData:
    """Return names with parameters, and first sentences.

    Args:
        packages: installed ones, by the names under which they are imported.
        wanted: most rows by split.
        clean: from raw texts to words, a space apart.
    """
    divided = packages_by_split(packages)
    data, seen = SequenceData(), set[str]()
    for split in reversed(SPLITS):
        found = [(name, *pair) for name in divided[split] for pair in functions_of(name)]
        drawn = shuffled(found, "describe", split)[: 3 * wanted[split]]  # some are the same when they are clean
        sources, targets = (clean([one[part] for one in drawn]) for part in (1, 2))
        rows: list[SequenceRow] = []
        for (package, *_), source, target in zip(drawn, sources, targets, strict=True):
            if source and target and not seen.intersection((f"{source}\0", target)):
                seen.update((f"{source}\0", target))
                rows.append(SequenceRow(source, (target,), origin=package))
        data.splits[split] = rows[: wanted[split]]
    data.splits = {split: data.splits[split] for split in SPLITS}
    data.details = {"packages": {split: len(names) for split, names in divided.items()}}
    return data


def packages_by_split(packages: Sequence[str]) -> dict[str, list[str]]:
    """Return the packages of each split: a pure function of their names."""
    order = sorted(packages, key=lambda name: hash_name(f"describe\0{name}"))
    divided, first = {}, 0
    for split, share in SHARES.items():
        count = max(1, round(share * len(order)))
        divided[split] = order[first : first + count]
        first += count
    return {"train": order[first:], **divided}


def functions_of(package: str) -> list[tuple[str, str]]:
    """Return name with parameters, and first sentence, of the functions of an installed package, in their order."""
    found = []
    for root, path in python_files(package):
        found += list(functions_in(root / path))
    return found


def functions_in(path: Path) -> Iterator[tuple[str, str]]:
    """Yield name with parameters, and first sentence, of the documented functions of a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning: an invalid escape in somebody else's text
            tree = ast.parse(path.read_bytes(), feature_version=GRAMMAR)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS) and not node.name.startswith("_") and (text := ast.get_docstring(node)):
            sentence = first_sentence(text)
            if sentence:
                yield signature(node), sentence


def first_sentence(documentation: str) -> str | None:
    """Return the first sentence of a docstring, on one line; None if it does not begin with one of a fitting length."""
    paragraphs = prose_paragraphs(documentation)
    match = FIRST_SENTENCE.match(paragraphs[0]) if paragraphs else None
    return match.group() if match and len(match.group().split()) in WORDS else None


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return a function's name and the names of its parameters, in words: `read table ( path , header )`."""
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names = [one.arg for one in named if one.arg not in ("self", "cls")]
    return f"{_words(node.name)} ( {' , '.join(map(_words, names))} )"


def _words(name: str) -> str:
    """Return a name's parts, a space apart: of `read_table` and of `readTable` two."""
    return " ".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).strip("_").replace("_", " ").split()).lower() or name
