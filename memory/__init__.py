"""The memory itself: a library that knows no network, no protocol and no environment."""
