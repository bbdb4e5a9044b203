"""Conversations as token ids; files of instructions and of preferences."""
