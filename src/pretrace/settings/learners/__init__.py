"""Settings of learning tasks of the kind `sequence`: which systems learn them, and how."""
