"""Reviewing a change: its differences from a commit, and a gate; the provenance of a score. Needs only git.

    make diff BASE=origin/main      one Markdown comment: parameters, scores, speed and size, learning curves
    make gate BASE=origin/main      fails if dvc.lock and the code disagree, or a score falls beyond its noise
    pretrace trace source/full      the provenance of a score, back to the raw inputs; --verify computes it again

No stage reads anything from here.
"""

from __future__ import annotations

from pretrace.review.cell import Cell, find_cell
from pretrace.review.diff import diff_as_markdown
from pretrace.review.gate import gate_reasons
from pretrace.review.git_tree import Tree, tree_at
from pretrace.review.trace import trace_score
from pretrace.review.verify import verify_score

__all__ = ["Cell", "Tree", "diff_as_markdown", "find_cell", "gate_reasons", "trace_score", "tree_at", "verify_score"]
