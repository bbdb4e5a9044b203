"""Tasks from text to text."""
