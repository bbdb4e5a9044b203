"""Checks before a run: settings, data, memory, disk, time."""
