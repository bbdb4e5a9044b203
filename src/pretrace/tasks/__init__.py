"""What a task is: probes and labelled files, input formats, metrics, baselines. Importing it imports none of them."""
