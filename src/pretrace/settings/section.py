"""Strict types and bounds, of which all parts of the settings are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from pretrace.common.errors import PretraceError
from pretrace.common.validation import StrictModel, readable_error

Count = Annotated[int, Field(ge=1, le=10**9)]
Steps = Annotated[int, Field(ge=1, le=10**12)]
Tokens = Annotated[int, Field(ge=1, le=10**15)]
Width = Annotated[int, Field(ge=1, le=1 << 20)]
"""Size of one dimension of a tensor: far above every model, and far below any overflow."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]
PositiveShare = Annotated[float, Field(gt=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, le=1e9)]
NotNegative = Annotated[float, Field(ge=0.0, le=1e9)]
Rate = Annotated[float, Field(gt=0.0, le=1.0)]
"""A learning rate. Adam moves a weight by about this much per step, so nothing trains with more than 1."""
PathString = Annotated[str, Field(min_length=1, max_length=1024)]
"""A file, folder, glob or URL."""
RENAMED = {
    "batch_sequences": "batch_size",
    "doubling_weights": "save_at_powers_of_two",
    "licence": "license",
    "optimiser": "optimizer",
    "price_an_hour": "hourly_cost",
    "start_from": "init_from",
    "system": "systems",
    "unlabelled": "unlabeled",
    "words_a_change": "words_per_change",
}
"""New names of keys by their old ones, for the error line of a file that still has an old one; see CHANGELOG.md."""


class Section(StrictModel):
    """A part of the settings: strict types, no unknown keys, immutable."""


Part = TypeVar("Part", bound=Section)


def checked(kind: type[Part], values: Any, file: str, under: str = "") -> Part:
    """Return a part of the settings, made from values of a file.

    Args:
        under: key of the values, if they are not the whole file.

    Raises:
        PretraceError: a key is unknown, missing, of a wrong type or out of range; the text names the file, the key,
            its value and what is accepted.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        renamed = next(((one["loc"], new) for one in error.errors() if (new := _new_name(one))), None)
        if renamed:
            *above, old = (str(part) for part in (under, *renamed[0]) if part != "")
            key, now = ".".join([*above, old]), ".".join([*above, renamed[1]])
            raise PretraceError(f"{file}: {key} is called {now} now") from None
        raise readable_error(
            error,
            file,
            under,
            unknown="no such setting; check the spelling, or remove the line",
            missing="missing; it has no default",
        ) from None


def _new_name(error: Mapping[str, Any]) -> str | None:
    """Return the new name of the key in a pydantic error, if the key is unknown because it was renamed."""
    return RENAMED.get(str(error["loc"][-1])) if error["type"] == "extra_forbidden" else None
