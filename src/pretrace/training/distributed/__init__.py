"""Training in several processes: the process group, launching, data parallelism, SIGTERM."""
