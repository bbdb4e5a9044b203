"""The table of tasks from text to text."""
