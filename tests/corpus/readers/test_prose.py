"""Running prose out of docstrings."""

from __future__ import annotations

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


def test_prose_of_numpydoc() -> None:
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


def test_prose_of_google_style() -> None:
    assert prose_paragraphs(GOOGLE) == [
        "Send the request to the server.",
        "The address that is asked for first.",
        "How often it is tried again, before the call gives up altogether.",
        "A response, or nothing in case of failure.",
    ]


def test_prose_of_restructured_text() -> None:
    assert prose_paragraphs(REST) == [
        "Connects to the database and returns it.",
        "The name under which the database is known.",
        "A connection that has to be closed after use.",
        "It is a fine day in the middle of May.",
        "The first point of the list is short.",
        "The second point of the list goes on for two lines.",
    ]


def test_prose_does_not_join_separate_sentences() -> None:
    text = "One good sentence stands here. Then x_{i} = {y} is set. Another good sentence stands here."
    assert prose_paragraphs(text) == ["One good sentence stands here.", "Another good sentence stands here."]
