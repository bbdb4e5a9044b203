"""Other areas' helpers, for the tests of this folder alone as well."""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).resolve().parents[1] / area) for area in ("pipeline", "report", "training")]
