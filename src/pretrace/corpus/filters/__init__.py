"""Rules that keep or drop a document, or lines of it."""
