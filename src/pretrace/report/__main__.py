"""Write the page, update the README's table and print it; `make repro` ends with it.

python -m pretrace.report

The page is made anew, so that it shows what the run before it cost even when the report stage came from DVC's cache.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pretrace.common.frame import run_command
from pretrace.report import benchmark_markdown, read_search, update_readme, write_page
from pretrace.report.markdown import escape
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.record import read_record
from pretrace.settings import load_settings

README = Path("README.md")


def main() -> int:
    """Run it; return the exit code."""
    return run_command("report", write)


def write() -> None:
    """Write the page and the README's table, and print it."""
    settings = load_settings()
    page = write_page(settings)
    table = benchmark_markdown(read_record(page.parent / "benchmark.json", Benchmark))
    if (search := read_search(settings)) and search.more_passes:
        table += f"- {escape(search.more_passes)}\n"
    if README.exists():
        update_readme(README, table)
    print(f"\n{table}\n{page.resolve().as_uri()}")


if __name__ == "__main__":
    sys.exit(main())
