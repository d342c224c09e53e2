"""Protocols and process: everything that stands between the memory and the world."""
