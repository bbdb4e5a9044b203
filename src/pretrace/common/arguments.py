"""Arguments of a command line: numbers with bounds, and an error that is one line."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

from pretrace.common.errors import printable
from pretrace.common.mask import mask_secrets
from pretrace.common.validation import shown

WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""Numbers as people write them; Python's own reading also takes `1_0`, `nan` and digits of other scripts."""


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a `type` for argparse: a whole number from `least` to `most`."""

    def read(text: str) -> int:
        value = int(text) if WHOLE.fullmatch(text) else None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"takes a whole number from {least} to {most}, got {shown(text)}")
        return value

    return read


def number(least: float, most: float, or_zero: bool = False) -> Callable[[str], float]:
    """Return a `type` for argparse: a number from `least` to `most`; with `or_zero` also 0."""

    def read(text: str) -> float:
        value = float(text) if DECIMAL.fullmatch(text) else math.nan
        if not (least <= value <= most or (or_zero and value == 0)):
            range_text = f"{'0, or ' if or_zero else ''}a number from {least:g} to {most:g}"
            raise argparse.ArgumentTypeError(f"takes {range_text}, got {shown(text)}")
        return value

    return read


class Parser(argparse.ArgumentParser):
    """Takes options before, between and after arguments; says in one line what is wrong, without a list of options."""

    _mixes = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, which before Python 3.13 takes no optional argument after an option."""
        plain = self._subparsers is not None or args is None or {"-h", "--help", "--"} & set(args)
        if plain or self._mixes:
            return super().parse_known_args(args, namespace)
        self._mixes = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixes = False

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {printable(mask_secrets(message))}; see {self.prog} --help\n")
