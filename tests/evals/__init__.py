"""Tests of the measuring instruments, and the quality gate that they hold up."""
