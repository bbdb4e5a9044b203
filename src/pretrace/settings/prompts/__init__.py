"""Prompts: their files, and how many examples are tried in them."""
