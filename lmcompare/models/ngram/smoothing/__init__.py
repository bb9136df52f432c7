"""From counts to probabilities: one frame, and one short file for each method of smoothing.

Knows counts of n-grams (`counts.Level`), nothing of text or of how a model is queried. A method says what
each n-gram keeps of its count and what each context frees (`method.Shares`); a composition turns that into
probabilities and back-off weights (`composition`); `estimation` puts the two together.
"""

from lmcompare.models.ngram.smoothing.estimation import COMPOSED, METHODS, Estimate, estimate
from lmcompare.models.ngram.smoothing.kneser_ney import adjusted_counts
from lmcompare.models.ngram.smoothing.method import Smoothing
from lmcompare.models.ngram.smoothing.modified_kneser_ney import discounts_from

__all__ = [
    "COMPOSED",
    "METHODS",
    "Estimate",
    "Smoothing",
    "adjusted_counts",
    "discounts_from",
    "estimate",
]
