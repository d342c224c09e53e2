"""Crashes, contention and damage: what must hold when things go wrong."""
