"""Conversations with questions about them, read from published data sets and from our own."""
