"""Tests of word vectors by themselves: similarity, analogies, nearest neighbors."""
