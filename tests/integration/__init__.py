"""The memory as a library: its own parts together, with a model-free embedder."""
