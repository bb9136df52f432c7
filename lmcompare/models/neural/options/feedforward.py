"""What may be set for the feed-forward n-gram network.

Knows nothing of torch: an experiment file is checked without importing it.
"""

from __future__ import annotations

from pydantic import Field

from lmcompare.models.neural.options.training import Count, NetworkOptions


class FeedForwardOptions(NetworkOptions):
    """Bengio's neural probabilistic language model (Bengio et al. 2003).

    Attributes:
        order: n of the n-gram: the next token is told from the `order - 1` before it.
        width: size of a token's vector.
        hidden: size of the hidden layer.
        direct: whether the vectors also reach the output past the hidden layer (equation 1, matrix W).
    """

    order: int = Field(5, ge=2)
    width: Count = 128
    hidden: Count = 256
    direct: bool = True
