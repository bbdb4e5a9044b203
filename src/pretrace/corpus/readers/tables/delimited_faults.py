"""The cause of an odd .csv or .tsv, in words: quotes, another delimiter, lines above the names."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from itertools import islice

DOUBLE = 'a text with quotes in it stands in quotes, with each of its own doubled: "a ""b"" c"'
SHOWN = 60
"""Characters of a line that a message shows."""
NAMES_WITHIN = 20
"""Lines from the top in which a line of names is looked for."""
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}


def quote_fault(lines: Sequence[str], first: int, said: str) -> str:
    """Return what is wrong with the quotes of a row that cannot be read.

    Args:
        lines: those up to which the row was read.
        first: the number of the first one.
        said: the parser's message.
    """
    shown, last = _shown(lines[0].rstrip("\r\n")), first + len(lines) - 1
    if any('\\"' in line for line in lines):
        return (
            f'line {first}: quotes in a text are written \\" (as MySQL and Spark write them); {DOUBLE}; '
            "in Spark that is .option('escape', '\"')"
        )
    if said.startswith("unexpected end"):
        return f"line {first}: a quote opens a text that no quote closes: {shown}; {DOUBLE}"
    if last > first:
        return (
            f"line {first}: a quote opens a text that runs to line {last} and swallows the rows between: "
            f"{shown}; {DOUBLE}"
        )
    return f"line {first}: after a closing quote comes no comma: {shown}; {DOUBLE}"


def swallowed_rows(lines: Sequence[str], rows: Sequence[Sequence[str]], spans: Sequence[tuple[int, int]]) -> str | None:
    """Return a sentence if a text over several lines holds rows of its own, so that its first quote was a stray one.

    That is so where each of its lines, split at the commas, has as many fields as the line of names, and the lines
    before its last one have a value in one place that also other rows have there, such as a label.

    Args:
        lines: of the whole file.
        rows, spans: fields of each row, and its first and last line; the first row is the line of names.
    """
    if all(first == last for first, last in spans):
        return None
    columns = len(rows[0])
    known = [{row[place] for row in rows[1:] if len(row) == columns} for place in range(columns)]
    for first, last in spans[1:]:
        if first == last or columns < 2:
            continue
        inside = [line.rstrip("\r\n").split(",") for line in lines[first - 1 : last]]
        if any(len(fields) != columns for fields in inside):
            continue
        if any(all(fields[place] in known[place] for fields in inside[:-1]) for place in range(columns)):
            return (
                f"line {first}: a quote opens a text that runs to line {last}, over lines that look like rows: "
                f"{_shown(lines[first - 1].rstrip())}; {DOUBLE}"
            )
    return None


def doubled_quotes(rows: Iterable[Sequence[str]]) -> int | None:
    """Return the index of the first row of a .tsv with a field in quotes whose own quotes are doubled, if all are so.

    Then the file was written as .csv is, and its quotes are no text. None if a field has quotes of another kind, or
    only one has quotes.
    """
    quoted, first = 0, None
    for number, row in enumerate(rows):
        if '"' not in "".join(row):
            continue
        for field in row:
            inside = field[1:-1]
            if '"' in field:
                if len(field) < 2 or not field[0] == field[-1] == '"' or '"' in inside.replace('""', ""):
                    return None
                quoted += 1
                if first is None and '"' in inside:
                    first = number
    return first if quoted > 1 else None


def names_fault(text: str, wanted: Sequence[str], suffix: str) -> str | None:
    """Return why the first line does not name the wanted columns; None if it does, or no cause is seen.

    Args:
        text: of the whole file.
        wanted: names of columns.
        suffix: of the file.
    """
    own, sought = "," if suffix == ".csv" else "\t", set(wanted)
    top = [
        (number, line.rstrip("\r\n"))
        for number, line in enumerate(islice(io.StringIO(text, newline=""), NAMES_WITHIN), 1)
    ]
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


def _shown(line: str) -> str:
    return repr(line if len(line) <= SHOWN else f"{line[:SHOWN]} …")
