"""The documentation of installed packages: running prose, in order, the same bytes every time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.corpus import collect_installed, read_documents
from pretrace.corpus.readers.prose import prose_paragraphs

NUMPYDOC = """Fit the model to the data that was given.

    The first sentence stands here. The second one
    follows it at once, with ``code`` and :func:`~a.b.names`.

    .. math:: x = y^2

    .. note::
        This note is worth reading aloud.

    .. code-block:: python

        Nothing of this block is prose at all.

    Parameters
    ----------
    x : int, optional
        The number of things that are wanted.
    weights : array-like of shape (n_samples,)
        Weights of the samples.
        Larger ones count for more in the sum.

    Returns
    -------
    out : ndarray
        An array of the results that were found.

    See Also
    --------
    other : This sentence is only a pointer elsewhere.

    Examples
    --------
    We begin with a very simple example.

    >>> fit(3)
    This line is output and not prose.

    The result above is as it should be.

    References
    ----------
    .. [1] Somebody. A paper about many things.
    """

GOOGLE = """Send the request to the server.

    Args:
        url (str): the address that is asked for first.
        retries: How often it is tried again,
            before the call gives up altogether.

    Returns:
        A response, or nothing in case of failure.
    """

REST = """
Connects to the database and returns it.

:param name: The name under which the database is known.
:type name: str
:returns: A connection that has to be closed after use.

Visit https://example.org for more of this text. It is a fine day in the middle of May.

* The first point of the list is short.
* The second point of the list
  goes on for two lines.

Literal text follows after this line::

    Not a sentence anyone would read.

+----+----+
| No | It |
+----+----+
"""


def test_numpydoc() -> None:
    assert prose_paragraphs(NUMPYDOC) == [
        "Fit the model to the data that was given.",
        "The first sentence stands here. The second one follows it at once, with code and names.",
        "This note is worth reading aloud.",
        "The number of things that are wanted.",
        "Weights of the samples. Larger ones count for more in the sum.",
        "An array of the results that were found.",
        "We begin with a very simple example.",
        "The result above is as it should be.",
    ]


def test_google() -> None:
    assert prose_paragraphs(GOOGLE) == [
        "Send the request to the server.",
        "The address that is asked for first.",
        "How often it is tried again, before the call gives up altogether.",
        "A response, or nothing in case of failure.",
    ]


def test_restructured_text() -> None:
    assert prose_paragraphs(REST) == [
        "Connects to the database and returns it.",
        "The name under which the database is known.",
        "A connection that has to be closed after use.",
        "It is a fine day in the middle of May.",
        "The first point of the list is short.",
        "The second point of the list goes on for two lines.",
    ]


def test_sentences_that_were_apart_stay_apart() -> None:
    text = "One good sentence stands here. Then x_{i} = {y} is set. Another good sentence stands here."
    assert prose_paragraphs(text) == ["One good sentence stands here.", "Another good sentence stands here."]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "prosaic"
    (root / "tests").mkdir(parents=True)
    sentence = "This is sentence number {} of the module and it says very little indeed. "
    (root / "__init__.py").write_text("raise ImportError('nobody shall import this')\n")
    for name, numbers in {"b": range(1, 5), "a": range(3, 9), "tests/t": range(20, 26)}.items():
        text = "\n\n".join(sentence.format(number) for number in numbers)
        (root / f"{name}.py").write_text(f'"""{text}"""\nX = "\\d"\n')
    (root / "broken.py").write_text('"""text"""\ndef (:\n')
    (root / "short.py").write_text('"""Only one sentence stands here."""\n')
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_documents_are_modules_in_order_without_repetition(package: Path) -> None:
    report = collect_installed(["prosaic"], package / "out", workers=1)
    documents = list(read_documents(package / "out"))
    assert [(d.source, d.id) for d in documents] == [("prosaic", "prosaic/a.py")]  # of b, two sentences are left
    assert documents[0].text.count("\n") == 5
    assert report["packages"]["prosaic"] == {
        "files": 5,
        "unreadable": 1,
        "documents": 1,
        "words": 84,
        "repeated_words": 28,
    }


def test_the_same_bytes_for_any_number_of_processes(package: Path) -> None:
    digests = set()
    for workers in (1, 2):
        collect_installed(["prosaic", "ftfy"], package / "out", workers=workers)
        digests.add(hashlib.sha256((package / "out" / "part-00000.parquet").read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("name", ["no_such_package_here", "ast", "a.b", ""])
def test_what_is_no_installed_package_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=f"corpus.packages: '{name}' is not an installed package"):
        collect_installed([name], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_package_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match="the same name twice"):
        collect_installed(["ftfy", "ftfy"], tmp_path / "out")
