"""Weights on disk: our own safetensors, Hugging Face's folders, OpenAI's release."""
