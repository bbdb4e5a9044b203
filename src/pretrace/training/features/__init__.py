"""A task by a trained head on states of a model none of whose weights is trained again."""
