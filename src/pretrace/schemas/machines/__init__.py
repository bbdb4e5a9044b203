"""Records of what a machine can do."""
