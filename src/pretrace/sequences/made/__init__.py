"""Rows made by rule: GPT-3's arithmetic, scrambled words and novel words (Brown et al. 2020, section 3.9)."""
