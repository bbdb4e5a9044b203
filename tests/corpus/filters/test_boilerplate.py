"""Lines counted over documents; those that stand in many are cut."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pretrace.corpus.filters.boilerplate import LineCounter, common_lines, hash_lines
from pretrace.corpus.filters.ngrams import hash_text
from pretrace.settings import BoilerplateRules

LINES = st.lists(st.sampled_from(["a b c", "a b d", "a b", "x y z w", "q"]), min_size=1, max_size=6)


@pytest.mark.slow
@given(documents=st.lists(LINES, max_size=8), least=st.integers(2, 4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("buffered", [1, 1_000_000])
def test_line_counts_are_of_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buffered: int, documents: list[list[str]], least: int
) -> None:
    monkeypatch.setattr("pretrace.corpus.filters.boilerplate.BUFFERED_LINES", buffered)
    counts = Counter(line for lines in documents for line in set(lines) if len(line.split()) >= 3)
    expected = {line: count for line, count in counts.items() if count >= least}
    with LineCounter(tmp_path / "lines", BoilerplateRules(documents=least, least_words=3)) as counter:
        for lines in documents:
            counter.add(hash_lines("\n".join(lines), 3))
        common = counter.common()
    assert common == {hash_text(line): count for line, count in expected.items()}
    assert not (tmp_path / "lines").exists()
    for lines in documents:
        assert common_lines("\n".join(lines), common, 3) == [line in expected for line in lines]
