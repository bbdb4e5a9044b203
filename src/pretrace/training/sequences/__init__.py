"""Training on pairs of texts, of an encoder-decoder or of a language model that reads both as one text."""
