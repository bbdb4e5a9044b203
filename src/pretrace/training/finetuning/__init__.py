"""Supervised fine-tuning (paper, section 3.2)."""
