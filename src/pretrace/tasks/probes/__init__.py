"""Tasks made from the corpus itself."""
