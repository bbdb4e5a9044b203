"""Data sets in the forms that their publishers give them, as plain rows of tasks."""
