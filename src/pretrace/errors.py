"""The one exception whose text is meant for a person.

Raise `PretraceError` with a single line that says what was wrong, where (file, row, column, key), what is accepted and
what to do. The stage runner and the command line print that line and exit with 1; anything else is a defect of ours.
"""

from __future__ import annotations


class PretraceError(Exception):
    """Bad input or an unusable state, described in one line for the person who can mend it."""
