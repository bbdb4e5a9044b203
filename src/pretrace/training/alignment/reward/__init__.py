"""The reward model: a language model with a scalar head, trained on comparisons."""
