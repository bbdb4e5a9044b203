"""Print the table and where the page is; `make repro` ends with it.

python -m pretrace.report

The page is made anew, so that it shows what the run before it cost even when the report stage came from DVC's cache.
"""

from __future__ import annotations

import sys

from pretrace.common.errors import PretraceError
from pretrace.common.files import read_json
from pretrace.report import benchmark_markdown, write_page
from pretrace.settings import load_settings


def main() -> int:
    """0, or 1 after one line when there is nothing to show yet."""
    try:
        settings = load_settings()
        page = write_page(settings)
        print(f"\n{benchmark_markdown(read_json(page.parent / 'benchmark.json'))}\n{page.resolve().as_uri()}")
    except PretraceError as error:
        print(f"pretrace: report: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
