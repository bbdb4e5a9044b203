"""Tasks from text to text: their rows, and how an answer that a model writes is scored."""
