"""Prompts: tasks written for a language model, with 0, 1 or K examples, and scored without a gradient."""
