"""The cause of an odd .csv or .tsv, in words: quotes, another delimiter, lines above the names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

DOUBLE = 'a text with quotes in it stands in quotes, with each of its own doubled: "a ""b"" c"'
SHOWN = 60
"""Characters of a line that a message shows."""
NAMES_WITHIN = 20
"""Lines from the top in which a line of names is looked for."""
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}


def quote_fault(text: str, first: int, last: int, said: str) -> str:
    """Return what is wrong with the quotes of a row that cannot be read.

    Args:
        text: of the whole file.
        first, last: the lines from which and up to which the row was read.
        said: the parser's message.
    """
    lines = _numbered(text, first, last)
    if any('\\"' in line for line in lines):
        return (
            f'line {first}: quotes in a text are written \\" (as MySQL and Spark write them); {DOUBLE}; '
            "in Spark that is .option('escape', '\"')"
        )
    if said.startswith("unexpected end"):
        return f"line {first}: a quote opens a text that no quote closes: {_shown(lines[0])}; {DOUBLE}"
    if last > first:
        return (
            f"line {first}: a quote opens a text that runs to line {last} and swallows the rows between: "
            f"{_shown(lines[0])}; {DOUBLE}"
        )
    return f"line {first}: after a closing quote comes no comma: {_shown(lines[0])}; {DOUBLE}"


def swallowed_rows(text: str, spans: Sequence[tuple[int, int]]) -> str | None:
    """Return a sentence if a text over several lines holds rows of its own, so that its first quote was a stray one.

    That is so where each of its lines, split at the commas, has as many fields as the line of names, and the lines
    before its last one end or begin with values that also other rows have in that place, such as labels.
    """
    if not any(first < last for first, last in spans):
        return None
    lines = _numbered(text, 1, spans[-1][1])
    columns = len(next(csv.reader(lines[: spans[0][1]])))
    single = [lines[first - 1].split(",") for first, last in spans[1:] if first == last]
    known = [{fields[place] for fields in single if len(fields) == columns} for place in range(columns)]
    for first, last in spans[1:]:
        inside = [line.split(",") for line in lines[first - 1 : last]]
        if first == last or columns < 2 or any(len(fields) != columns for fields in inside):
            continue
        if any(all(fields[place] in known[place] for fields in inside[:-1]) for place in range(columns)):
            return (
                f"line {first}: a quote opens a text that runs to line {last}, over lines that look like rows: "
                f"{_shown(lines[first - 1])}; {DOUBLE}"
            )
    return None


def doubled_quotes(text: str, delimiter: str) -> int | None:
    """Return the first line of a .tsv with a field in quotes whose own quotes are doubled, if all have them so.

    Then the file was written as .csv is, and its quotes are no text. None if a field has quotes of another kind.
    """
    found, inside, first = 0, 0, None
    for number, line in enumerate(_lines(text), 1):
        if '"' not in line:
            continue
        for field in line.rstrip("\r\n").split(delimiter):
            if '"' not in field:
                continue
            core = field[1:-1]
            if len(field) < 2 or field[0] != '"' or field[-1] != '"' or '"' in core.replace('""', ""):
                return None
            found += 1
            if core:
                inside += '"' in core
                first = first or (number if '"' in core else None)
    return first if found > 1 and inside else None


def names_fault(text: str, wanted: Sequence[str], suffix: str) -> str | None:
    """Return why the first line does not name the wanted columns; None if it does, or no cause is seen.

    Args:
        text: of the whole file.
        wanted: names of columns.
        suffix: of the file.
    """
    own, sought = "," if suffix == ".csv" else "\t", set(wanted)
    top = [(number, line.rstrip("\r\n")) for number, line in enumerate(islice(_lines(text), NAMES_WITHIN), 1)]
    top = [(number, line) for number, line in top if line.strip()]
    if not top or sought <= set(_split(top[0][1], own)):
        return None
    for number, line in top:
        if sought <= set(_split(line, own)):
            return (
                f"line {top[0][0]} is no line of names: {_shown(top[0][1])}; take out all above line {number}, which is"
            )
        for other, word in OTHER_DELIMITERS.items():
            names = [name.strip() for name in _split(line, other)]
            if other != own and len(names) > 1 and sought <= set(names):
                return (
                    f"line {number}: fields are parted by {word}, and {suffix} takes "
                    f"{OTHER_DELIMITERS[own]}: {_advice(other)}"
                )
    return None


def _split(line: str, delimiter: str) -> list[str]:
    return [name.removeprefix('"').removesuffix('"') for name in line.split(delimiter)]


def _advice(delimiter: str) -> str:
    if delimiter == "\t":
        return "name it .tsv, or save it with commas"
    if delimiter == ",":
        return "name it .csv"
    return f"write it again (pandas.read_csv(FILE, sep={delimiter!r}).to_csv(FILE, index=False))"


def _numbered(text: str, first: int, last: int) -> list[str]:
    """Return the lines from `first` to `last`, without their ends."""
    return [line.rstrip("\r\n") for line in islice(_lines(text), first - 1, last)]


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a text, which CR, LF or both end."""
    return iter(io.StringIO(text, newline=""))


def _shown(line: str) -> str:
    return repr(line if len(line) <= SHOWN else f"{line[:SHOWN]} …")
