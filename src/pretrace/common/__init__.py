"""Basics that every other package uses: errors, files, processes, hardware, units, progress, provenance, code."""
