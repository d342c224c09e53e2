"""Tests of memoryd."""
