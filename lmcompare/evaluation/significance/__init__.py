"""Which model is better, by how much, and how sure: paired differences, their intervals and tests.

Knows nothing of models: it is handed surprisals of units of text.
"""

from lmcompare.evaluation.significance.differences import Paired, differences
from lmcompare.evaluation.significance.holm import holm
from lmcompare.evaluation.significance.letters import letters
from lmcompare.evaluation.significance.rank_test import wilcoxon

__all__ = ["Paired", "differences", "holm", "letters", "wilcoxon"]
