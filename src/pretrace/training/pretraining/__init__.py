"""Generative pre-training (paper, section 3.1)."""
