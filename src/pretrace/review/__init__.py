"""What a change did, for the person who reviews it: the difference from a commit, and a gate. Git is all it needs.

    make diff BASE=origin/main      one Markdown comment: parameters, scores, speed and size, learning curves
    make gate BASE=origin/main      fails when dvc.lock and the code disagree, or a score falls beyond its noise
    pretrace trace source/full      the provenance of a score, back to the raw inputs; --verify computes it again

Nothing here is read by a stage.
"""

from __future__ import annotations

from pretrace.review.cell import Cell, find_cell
from pretrace.review.diff import comment
from pretrace.review.gate import gate
from pretrace.review.git_tree import Tree, tree_at
from pretrace.review.trace import trace
from pretrace.review.verify import verify

__all__ = ["Cell", "Tree", "comment", "find_cell", "gate", "trace", "tree_at", "verify"]
