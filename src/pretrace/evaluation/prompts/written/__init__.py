"""Tasks from text to text as prompts: a model writes the answers."""
