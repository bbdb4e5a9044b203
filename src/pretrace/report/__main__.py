"""Write the page, update the README's table and print it; `make repro` ends with it.

python -m pretrace.report

The page is made anew, so that it shows what the run before it cost even when the report stage came from DVC's cache.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.report import benchmark_markdown, update_readme, write_page
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.record import read_record
from pretrace.settings import load_settings

README = Path("README.md")


def main() -> int:
    """Return 0, or 1 after one line when there is nothing to show yet."""
    try:
        page = write_page(load_settings())
        table = benchmark_markdown(read_record(page.parent / "benchmark.json", Benchmark))
        if README.exists():
            update_readme(README, table)
        print(f"\n{table}\n{page.resolve().as_uri()}")
    except PretraceError as error:
        print(f"pretrace: report: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
