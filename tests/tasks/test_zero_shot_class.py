"""Which class a high value stands for, by its name."""

from __future__ import annotations

import pytest

from pretrace.common.errors import PretraceError
from pretrace.tasks.zero_shot_class import class_of_high_values


def test_class_of_high_values() -> None:
    assert class_of_high_values("t", "acceptability", ["changed", "as written"], None) == 1
    assert class_of_high_values("t", "acceptability", ["acceptable", "unacceptable"], None) == 0
    assert class_of_high_values("t", "sentiment", ["0", "1"], None) == 1
    assert class_of_high_values("t", "sentiment", ["good", "bad"], "good") == 0
    assert class_of_high_values("t", "pair_pmi", ["elsewhere", "continues"], None) == 1
    assert class_of_high_values("t", "choice", None, None) == 0
    for labels in (["good", "bad"], ["positive", "negative", "mixed"], None):
        with pytest.raises(PretraceError, match=r"tasks\.t\.zero_shot: sentiment takes two labels"):
            class_of_high_values("t", "sentiment", labels, None)
