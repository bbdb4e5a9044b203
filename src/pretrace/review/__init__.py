"""What a change did, for the person who reviews it: the difference from a commit, and a gate. Git is all it needs.

    make diff BASE=origin/main      one Markdown comment: parameters, scores, speed and size, learning curves
    make gate BASE=origin/main      fails when dvc.lock and the code disagree, or a score falls beyond its noise

Nothing here is read by a stage.
"""

from __future__ import annotations

from pretrace.review.comment import comment
from pretrace.review.gate import gate
from pretrace.review.trees import Tree, tree_at

__all__ = ["Tree", "comment", "gate", "tree_at"]
