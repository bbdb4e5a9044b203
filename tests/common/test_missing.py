"""Missing values, from any format."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pretrace.common.missing import is_missing

GONE = [None, math.nan, np.float32("nan"), pd.NaT, pd.NA, Decimal("nan")]
BLANK = ["", " \t\n", "\xa0\u3000", "\x07\x08", "\u200b\ufeff"]
TEXTS = ["a", "0", "NA", "nan", "null", " - ", "\x07!", "é", "🙂"]
OTHERS = [0, 0.0, False, Decimal(0), [], [None], b"", {}, np.array([1, 2])]


@pytest.mark.parametrize("value", [*GONE, *BLANK], ids=repr)
def test_missing_values(value: Any) -> None:
    assert is_missing(value)


@pytest.mark.parametrize("value", [*TEXTS, *OTHERS], ids=repr)
def test_values_that_are_there(value: Any) -> None:
    assert not is_missing(value)
