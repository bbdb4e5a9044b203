"""Rules that should not answer a task, tried on its rows: a give-away makes a score say something else."""
