"""Rows of tasks, as text and as token ids: their kinds, sequences, labels and metrics."""
