"""Tasks: probes and labeled files, input formats, metrics. Importing it imports none of them."""
