"""Choices of people between two answers, in a file that only grows."""
