"""What every other package stands on: errors, files, progress, units, hardware, processes, provenance."""
