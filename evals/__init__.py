"""Measures how well a memory answers: retrieval and abstention, on named data, beside baselines."""
