"""Tasks from text to text: their rows, and the models that learned them."""
