"""Smallest difference between two fine-tuned columns that a table of this size tells apart, in four runs of five.

python -m pretrace.report.statistics.power
"""

from __future__ import annotations

import math

from pretrace.report.statistics.comparisons import LEVEL, Difference

POWER = 0.8
ROW_SPREAD, SEED_SPREAD = 0.5, 0.015
"""Shares of 1, as in the default run: a row's difference between `full` and TF-IDF (0.5 to 0.6), and a score's spread
over seeds (0.5 to 3 points)."""


def smallest_difference(
    rows: int, seeds: int, tasks: int = 1, row_spread: float = ROW_SPREAD, seed_spread: float = SEED_SPREAD
) -> float:
    """Return the difference, a share of 1, that a test at 5 % finds with a probability of 80 %.

    Args:
        rows: test rows of each task, each from a document of its own.
        seeds: fine-tunings of each of the two columns, two or more.
        tasks: tasks whose mean is compared.
        row_spread: standard deviation over rows of the difference between the columns' answers.
        seed_spread: standard deviation of a score over seeds.
    """
    from scipy.special import stdtrit

    seed = (seed_spread**2 / seeds / tasks**2, seeds - 1.0)
    error = Difference(0.0, ((row_spread**2 / rows / tasks, float(rows - 1)), *[seed] * (2 * tasks)))
    quantiles = stdtrit(error.freedom, 1 - LEVEL / 2) + stdtrit(error.freedom, POWER)
    return float(quantiles) * math.sqrt(error.variance)


def main() -> None:
    """Print the smallest difference in points, by rows, seeds and tasks."""
    for tasks in (1, 6):
        print(f"{tasks} task{'s' * (tasks > 1)}: points by test rows (down) and seeds (across)")
        print("       " + "".join(f"{seeds:>6}" for seeds in (2, 3, 5, 10)))
        for rows in (400, 1200, 2000, 4000, 8000):
            line = "".join(f"{100 * smallest_difference(rows, seeds, tasks):6.1f}" for seeds in (2, 3, 5, 10))
            print(f"{rows:>7}{line}")


if __name__ == "__main__":
    main()
