"""word2vec: one vector a word, from the words around it (Mikolov et al. 2013)."""
