"""Baselines: the majority, and models of a task's own words. Importing it imports none of them."""
