"""Targeted tests: sentences written to find out one thing, in place of running text."""
