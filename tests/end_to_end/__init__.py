"""memoryd as its users run it: real processes, real clients, the bundled model."""
