"""Templates: text with names of fields in braces, such as `{text}`, and nothing that a formatter could run.

`{{` and `}}` are braces themselves. A field has no attribute, index, conversion or format: a template comes from a file
that others may have written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from string import Formatter


@dataclass(frozen=True)
class Template:
    """A template that is known to have no other fields than those that may be there."""

    parts: tuple[tuple[str, str | None], ...]
    """Pairs of a text and the field behind it; None at the end."""

    @classmethod
    def parse(cls, text: str, fields: Iterable[str]) -> Template:
        """Return the template of a text.

        Args:
            fields: names that it may have.

        Raises:
            ValueError: it has another field, or a brace without its partner; the text says which are accepted.
        """
        known = list(fields)
        takes = ", ".join(f"{{{name}}}" for name in known)
        parts = []
        try:
            for literal, field, form, conversion in Formatter().parse(text):
                if field is not None and (field not in known or form or conversion):
                    raise _UnknownFieldError(_as_written(field, form, conversion))
                parts.append((literal, field))
        except _UnknownFieldError as error:
            raise ValueError(f"no such field: {error}; takes {takes}") from None
        except ValueError as error:
            raise ValueError(f"{str(error).lower()}; a brace of the text itself is written twice: {{{{") from None
        return cls(tuple(parts))

    @property
    def fields(self) -> set[str]:
        """Names of the fields that it has."""
        return {field for _, field in self.parts if field is not None}

    def ends_with(self, field: str) -> bool:
        """Return True if the template ends with a field, and has it once."""
        fields = [one for _, one in self.parts if one is not None]
        return bool(self.parts) and self.parts[-1][1] == field and fields.count(field) == 1


class _UnknownFieldError(ValueError):
    pass


def _as_written(field: str, form: str | None, conversion: str | None) -> str:
    """Return a field as it stands in the template, on one line."""
    text = f"{field}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
    return f"{{{repr(text)[1:-1]}}}"
