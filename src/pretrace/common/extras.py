"""Name the extra that installs a missing library: not every installation has all that the commands can use."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires

PACKAGE_OF = {"pynvml": "nvidia-ml-py", "rouge_score": "rouge-score", "sklearn": "scikit-learn"}
"""Libraries that are imported by another name than they are installed by."""
REQUIREMENT = re.compile(r"(?!pretrace\[)([\w.-]+).*\bextra == ['\"]([\w-]+)['\"]")
"""A line of the metadata: a package, and the extra that it belongs to. An extra may also name extras of ours."""


def explain_missing(error: BaseException) -> str:
    """Return one line that says what to install, or "" if the error is no missing library of an extra."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    library = error.name.partition(".")[0]
    package = PACKAGE_OF.get(library, library).lower()
    for requirement, extra in _extras():
        if requirement.lower() == package:
            return f"{requirement} is not installed; pip install 'pretrace[{extra}]'"
    return ""


def _extras() -> list[tuple[str, str]]:
    """Return all (package, extra) of the installed project, in the order of pyproject.toml."""
    try:
        lines = requires("pretrace") or []
    except PackageNotFoundError:
        return []
    return [(match[1], match[2]) for line in lines if (match := REQUIREMENT.match(line))]
