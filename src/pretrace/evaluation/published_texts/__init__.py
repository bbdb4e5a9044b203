"""Texts that are published as words with spaces between them, such as WikiText, as plain texts."""
