"""Calibration: whether a model's probabilities are what happens."""

from lmcompare.evaluation.calibration.analysis import CALIBRATION

__all__ = ["CALIBRATION"]
