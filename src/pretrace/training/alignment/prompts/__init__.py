"""Prompts, demonstrations and comparisons: from documents without a label, or from files."""
