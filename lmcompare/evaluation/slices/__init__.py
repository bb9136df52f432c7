"""Slices: which events cost a model its bits, by kinds of events."""

from lmcompare.evaluation.slices.analysis import SLICES

__all__ = ["SLICES"]
