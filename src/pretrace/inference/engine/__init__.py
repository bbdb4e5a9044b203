"""One thread that computes for many clients: the models in memory, and the texts that grow in them."""
