"""Records of the second pipeline: prompts, reward model, policies, their comparison."""
