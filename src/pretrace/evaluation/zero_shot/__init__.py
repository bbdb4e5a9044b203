"""Tasks without fine-tuning, by the paper's heuristics (section 5)."""
