"""The default corpus: the documentation inside installed packages.

A document is a module (its docstrings and long string literals in the order of the source), a source is a package.
Nothing is imported: the files are parsed. The same versions of the packages give the same bytes on every machine.
"""

from __future__ import annotations

import ast
import gc
import importlib.util
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder
from pretrace.common.progress import progress
from pretrace.corpus.documents import Document, write_documents
from pretrace.corpus.parallel import map_in_order
from pretrace.corpus.readers.prose import prose_paragraphs
from pretrace.schemas.corpus import CollectReport, PackageCount
from pretrace.settings import Workers

MINIMUM_WORDS = 40
"""A module with less prose is not a document."""
LITERAL_CHARACTERS = 200
"""A string literal outside a docstring is read from this length, if it has more than one line."""
SKIPPED_FOLDERS = {"tests", "test", "testing", "_vendor", "vendor", "vendored", "__pycache__", "node_modules"}
FILES_AT_ONCE = 16
"""Files per batch of a worker."""
GRAMMAR = (3, 11)
"""Files are parsed as this version of Python, so that a newer interpreter does not find more documents."""
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def collect_installed(packages: list[str], out: Path, workers: int = 1) -> CollectReport:
    """Write the prose of the packages' documentation to `out`, in the order of `packages` and of the file names.

    Args:
        packages: top-level names as they are imported ("sklearn"), each one source.
        out: folder for the documents (`write_documents`); replaced whole.
        workers: processes of this machine, which has the packages, that parse; the result does not depend on it.

    Returns:
        The report: by package the files, documents and words, and the words that were dropped.

    Raises:
        PretraceError: a package is not installed, is no folder of Python files, or stands there twice.
    """
    if len(set(packages)) < len(packages):
        raise PretraceError(f"params.yaml: corpus.packages: the same name twice in {', '.join(packages)}")
    files = [(name, root, path) for name in packages for root, path in python_files(name)]
    report = {name: Counter(files=0, unreadable=0, documents=0, words=0, repeated_words=0) for name in packages}
    paths = [root / path for _, root, path in files]
    batches = (paths[start : start + FILES_AT_ONCE] for start in range(0, len(paths), FILES_AT_ONCE))
    worked = map_in_order(_paragraphs_of_files, batches, Workers(count=workers), [__name__])
    results = (paragraphs for _, batch in worked for paragraphs in batch)
    with atomic_folder(out) as temporary:
        rows = zip(files, progress(results, len(files), "files", "collect"), strict=True)
        write_documents(temporary, _documents(rows, report))
    return CollectReport(packages={name: PackageCount(**numbers) for name, numbers in report.items()})


def _documents(rows: Iterable[Any], report: dict[str, Counter]) -> Iterator[Document]:
    """Yield modules as documents, without paragraphs that stood earlier in the corpus: much of this text is copied."""
    seen: set[str] = set()
    for (name, _, path), paragraphs in rows:
        numbers = report[name]
        numbers["files"] += 1
        if paragraphs is None:
            numbers["unreadable"] += 1
            continue
        new = []
        for paragraph in paragraphs:
            if paragraph in seen:
                numbers["repeated_words"] += len(paragraph.split())
            else:
                seen.add(paragraph)
                new.append(paragraph)
        words = sum(len(paragraph.split()) for paragraph in new)
        if words >= MINIMUM_WORDS:
            numbers["documents"] += 1
            numbers["words"] += words
            yield Document(id=path, source=name, text="\n".join(new))


def python_files(package: str) -> Iterator[tuple[Path, str]]:
    """Yield the folder that contains the package with each of its .py files, relative to it, sorted."""
    try:
        spec = importlib.util.find_spec(package) if package.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise PretraceError(
            f"params.yaml: corpus.packages: {package!r} is not an installed package; install it or take it out"
        )
    folder = Path(next(iter(spec.submodule_search_locations)))
    paths = (path.relative_to(folder.parent).as_posix() for path in folder.rglob("*.py"))
    for path in sorted(paths):
        if not SKIPPED_FOLDERS.intersection(PurePosixPath(path).parts):
            yield folder.parent, path


def _paragraphs_of_files(paths: list[Path]) -> list[list[str] | None]:
    """Read files without garbage collection: it finds no cycles in syntax trees and takes a fifth of the time."""
    gc.disable()
    try:
        return [_paragraphs_of_file(path) for path in paths]
    finally:
        gc.enable()


def _paragraphs_of_file(path: Path) -> list[str] | None:
    """Return the prose of one module in the order of its source; None if it does not parse."""
    code = path.read_bytes()
    if b'"""' not in code and b"'''" not in code:
        return []  # no text of several lines; parsing is most of the work
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning: an invalid escape in somebody else's docstring
            tree = ast.parse(code, feature_version=GRAMMAR)
        return [paragraph for text in _texts(tree) for paragraph in prose_paragraphs(text)]
    except (SyntaxError, ValueError, RecursionError):
        return None


def _texts(node: ast.AST) -> Iterator[str]:
    """Yield docstrings, and long literals outside functions (`add_docstr(f, "...")`), depth first."""
    for child in getattr(node, "body", []):
        if isinstance(child, DOCUMENTED):
            yield from _texts(child)
        elif isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            if isinstance(child.value.value, str):
                yield child.value.value
        elif isinstance(child, (ast.If, ast.Try, ast.With)):
            yield from _texts(child)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and child.end_lineno > child.lineno:
            yield from _literals(child)


def _literals(statement: ast.AST) -> Iterator[str]:
    for node in ast.walk(statement):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and len(text) >= LITERAL_CHARACTERS and "\n" in text.strip():
            yield text
