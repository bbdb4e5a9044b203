"""Tasks from text to text that are made from the corpus, so that any corpus has some."""
