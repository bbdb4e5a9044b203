"""What every part of the settings is made of: strict types and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from pretrace.common.errors import PretraceError
from pretrace.common.validation import StrictModel, readable_error

Count = Annotated[int, Field(ge=1, le=10**9)]
Steps = Annotated[int, Field(ge=1, le=10**12)]
Width = Annotated[int, Field(ge=1, le=1 << 20)]
"""A size of a tensor's side, or a number of layers: far above every model, and far below what numbers overflow at."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0, le=1e9)]
NotNegative = Annotated[float, Field(ge=0.0, le=1e9)]
Rate = Annotated[float, Field(gt=0.0, le=1.0)]
"""A learning rate. Adam moves a weight by about as much in an update, so that more than 1 trains nothing."""
PathString = Annotated[str, Field(min_length=1, max_length=1024)]
"""A file, folder, glob or URL."""
RENAMED = {
    "batch_sequences": "batch_size",
    "doubling_weights": "save_at_powers_of_two",
    "licence": "license",
    "optimiser": "optimizer",
    "price_an_hour": "hourly_cost",
    "start_from": "init_from",
    "unlabelled": "unlabeled",
    "words_a_change": "words_per_change",
}
"""Keys of earlier versions, so that a file that still has one gets the new name (CHANGELOG.md lists them, too)."""


class Section(StrictModel):
    """A part of the settings: strict types, no unknown keys, not changed after loading."""


Part = TypeVar("Part", bound=Section)


def checked(kind: type[Part], values: Any, file: str, under: str = "") -> Part:
    """A part of the settings from what a file has.

    Args:
        under: the key that the values stand under, where they are not the whole file.

    Raises:
        PretraceError: a key is unknown, missing, of a wrong type or out of range; the text names the file, the key,
            what was found and what is accepted.
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
            unknown="no such setting; look for a typing error, or take the line out",
            missing="missing; it has no default",
        ) from None


def _new_name(error: Mapping[str, Any]) -> str | None:
    """Return the present name of the key that an error is about, if the key is unknown because it was renamed."""
    return RENAMED.get(str(error["loc"][-1])) if error["type"] == "extra_forbidden" else None
