"""Tasks: probes and labeled files, input formats, metrics, baselines. Importing it imports none of them."""
