"""Tokens of chunks: of the text between two spaces, as spaCy splits it."""
