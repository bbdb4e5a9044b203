"""Tests of a language model from files, such as LAMBADA."""
