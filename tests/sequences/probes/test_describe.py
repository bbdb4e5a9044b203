"""Names of functions, and the first sentences of their documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrace.sequences.probes import describe as module
from pretrace.sequences.probes.describe import describe, first_sentence, functions_in, packages_by_split

SOURCE = '''
class Reader:
    def readTable(self, path, *, has_header=True):
        """Return the rows of a table. The header is left out.

        More.
        """

    def _hidden(self):
        """Return what nobody is to know."""

    def short(self):
        """Short."""


async def fetch(url, /, timeout=3):
    """Get a page from somewhere, e.g. a host, in time.

    Parameters
    ----------
    url : str
    """


def without(): ...
'''


def test_functions_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(SOURCE)
    assert sorted(functions_in(tmp_path / "a.py")) == [
        ("fetch ( url , timeout )", "Get a page from somewhere, e.g. a host, in time."),
        ("read table ( path , has header )", "Return the rows of a table."),
    ]
    (tmp_path / "b.py").write_text("def (")
    assert not list(functions_in(tmp_path / "b.py"))


def test_first_sentence_ends_where_a_space_follows() -> None:
    assert first_sentence("Use version 1.2 of the format. It is new.") == "Use version 1.2 of the format."
    assert first_sentence("No sentence ends in here") is None
    assert first_sentence("") is None


def test_packages_are_of_one_split(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"p{n}" for n in range(10)]
    divided = packages_by_split(names)
    assert sorted(name for own in divided.values() for name in own) == names
    assert {split: len(own) for split, own in divided.items()} == {"train": 7, "test": 2, "dev": 1}
    assert packages_by_split(names[::-1]) == divided
    assert {split: len(own) for split, own in packages_by_split(names[:3]).items()} == {"train": 1, "test": 1, "dev": 1}

    found = {name: [(f"f {name} {n}", f"Do it in {name} {n}.") for n in range(5)] for name in names}
    found["p1"].append(("all ( )", "Return all of them."))
    found["p2"].append(("all ( )", "Return all of them."))
    monkeypatch.setattr(module, "functions_of", lambda name: found[name])
    data = describe(names, {"train": 30, "dev": 3, "test": 8}, lambda texts: [text.lower() for text in texts])
    for split, rows in data.splits.items():
        assert {row.origin for row in rows} <= set(divided[split])
    targets = [row.targets[0] for rows in data.splits.values() for row in rows]
    assert len(set(targets)) == len(targets)
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 30, "dev": 3, "test": 8}
