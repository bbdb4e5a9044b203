"""The figures of docs/audit.md that come from `reports/`. To write those of a new run into the page:

python -m tests.helpers.audit_page
"""

from __future__ import annotations

import re
from pathlib import Path

from pretrace.common.files import sha256_of_file
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.record import read_record
from pretrace.schemas.tasks import TaskReport
from tests.helpers import REPOSITORY

PAGE, REPORTS = REPOSITORY / "docs" / "audit.md", REPOSITORY / "reports"
RUN = re.compile(r"(SHA-256 of benchmark\.json: )([0-9a-f]{16})")
FIGURE = re.compile(r"(`(\w+)/(\w+)` )(-?\d+\.\d)\b")
"""`task/column`, and its mean."""
DIFFERENCE = re.compile(r"(`(?:(\w+)/)?(\w+)-(\w+)` )([+-]\d+\.\d ± \d+\.\d)")
"""`task/column-column`, and their difference; without a task on the mean over tasks."""
RULE = re.compile(r"(`(\w+):([\w ]+|\*)` )(-?\d+\.\d)\b")
"""`task:rule`, and its score; *: the highest."""


def run_of(page: str) -> str:
    """The run that the page's figures are of."""
    (found,) = RUN.findall(page)
    return str(found[1])


def this_run(reports: Path = REPORTS) -> str:
    """The run that is in `reports/`."""
    return sha256_of_file(reports / "benchmark.json")[:16]


def refreshed(page: str, reports: Path = REPORTS) -> str:
    """The page with the figures of the run in `reports/`."""
    benchmark = read_record(reports / "benchmark.json", Benchmark)
    means = {(row.task, row.variant): row.mean for row in benchmark.rows if row.mean is not None}
    pairs = {(pair.task, pair.variant, pair.against): pair for pair in benchmark.comparisons}
    overall = {("", pair.variant, pair.against): pair for pair in benchmark.overall}

    def figure(match: re.Match[str]) -> str:
        return f"{match[1]}{100 * means[match[2], match[3]]:.1f}"

    def difference(match: re.Match[str]) -> str:
        pair = (pairs | overall)[match[2] or "", match[3], match[4]]
        return f"{match[1]}{100 * pair.difference:+.1f} ± {100 * pair.noise:.1f}"

    def rule(match: re.Match[str]) -> str:
        rules = read_record(reports / "tasks" / f"{match[2]}.json", TaskReport).give_aways
        return f"{match[1]}{100 * max(one.score for one in rules if match[3] in (one.rule, '*')):.1f}"

    page = RULE.sub(rule, DIFFERENCE.sub(difference, FIGURE.sub(figure, page)))
    return RUN.sub(rf"\g<1>{this_run(reports)}", page)


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
