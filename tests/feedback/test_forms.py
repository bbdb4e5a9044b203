"""Forms of over-optimization: fitted to numbers that have them, and their peaks."""

from __future__ import annotations

import numpy as np
import pytest

from pretrace.feedback.forms import Fitted, fit


@pytest.mark.parametrize("form", ["best_of_n", "rl"])
def test_fit_finds_the_numbers_of_a_form(form: str) -> None:
    true = Fitted(form, 0.6, 0.1)
    kl = np.array([0.0, 0.5, 2.0, 5.0, 9.0])
    found = fit(form, kl.tolist(), true.at(np.sqrt(kl)).tolist())
    assert found and (found.a, found.b) == pytest.approx((0.6, 0.1))


@pytest.mark.parametrize("form", ["best_of_n", "rl"])
def test_peak_is_the_largest_reward(form: str) -> None:
    fitted = Fitted(form, 0.3, 0.12)
    d = np.linspace(0.01, 12, 20_000)
    assert fitted.peak == pytest.approx(d[fitted.at(d).argmax()], abs=1e-2)


def test_too_few_points_have_no_form() -> None:
    assert fit("rl", [0.0, 1.0], [0.0, 1.0]) is None
    assert Fitted("best_of_n", 1.0, -0.1).peak is None
