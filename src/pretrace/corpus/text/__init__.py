"""The text of a document: Unicode repair, GPT-1's cleaning, word counts."""
