"""Checks and estimates before a run: settings, data, memory, disk, time; a look at somebody's checkout."""
