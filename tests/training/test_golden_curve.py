"""Loss curves of tiny runs that must not move: what an edit of the model, the order or the optimizer would change."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
def test_golden_curves_have_not_moved() -> None:
    """Ten digits, which is every bit, with the PyTorch and the kind of processor that they are from; else five."""
    expected = json.loads((HERE / "golden_curve.json").read_text())
    done = subprocess.run([sys.executable, HERE / "golden_curve.py"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    curves = json.loads(done.stdout)
    same = [curves.pop(name) == expected.pop(name) for name in ("torch", "machine")]
    assert curves.keys() == expected.keys()
    for case, losses in expected.items():
        if all(same):
            assert curves[case] == losses, case
        assert [float(x) for x in curves[case]] == pytest.approx([float(x) for x in losses], rel=1e-5), case
        assert len(losses) == 20
