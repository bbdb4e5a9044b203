"""The stages of the second pipeline: what each reads and writes."""
