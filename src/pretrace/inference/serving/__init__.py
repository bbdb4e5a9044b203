"""A server of OpenAI's HTTP interface, and a page to talk to models: `pretrace serve`."""
