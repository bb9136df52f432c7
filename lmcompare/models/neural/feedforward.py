"""The feed-forward n-gram network: the first neural language model (Bengio et al. 2003).

Knows nothing of documents, scoring or training. The vectors of the last n - 1 tokens, side by side, pass
one hidden layer; the table that gave the vectors also predicts, where Bengio has a second one
(`tied = false` is his).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmcompare.models.neural.dropout import locked_dropout
from lmcompare.models.neural.embedding import Embedding
from lmcompare.models.neural.network import Carried, Network, Reading
from lmcompare.models.neural.options import FeedForwardOptions
from lmcompare.models.neural.output_mixture import OutputMixture


class FeedForwardNetwork(Network):
    """y = b + E (W x + U tanh(d + H x)), Bengio et al. (2003), equation 1, with `E` the output table.

    In the paper `W` and `U` reach all words at once; here both end in a vector of `width`, which the
    table compares with each word's, so that they do not grow with the vocabulary.
    """

    carries = True

    def __init__(self, size: int, bos: int, options: FeedForwardOptions) -> None:
        super().__init__()
        self.options, width = options, options.width
        self.lookback = options.order - 1
        self.embedding = Embedding(size, width, bos, options)
        self.hidden = nn.Linear(self.lookback * width, options.hidden)
        self.out = nn.Linear(options.hidden, width, bias=False)
        self.direct = nn.Linear(self.lookback * width, width, bias=False) if options.direct else None
        parts = options.softmaxes
        self.mixture: nn.Module = OutputMixture(width, parts) if parts > 1 else nn.Identity()

    def forward(self, vectors: Tensor) -> Tensor:
        """Hidden vectors: `[batch, time, order - 1, width]`, oldest first, to `[batch, time, width]`."""
        # With a single token of context there is no dimension of places.
        x = vectors.flatten(2) if self.lookback > 1 else vectors
        x = locked_dropout(x, self.options.dropout, self.training)
        found = self.out(torch.tanh(self.hidden(x)))
        if self.direct is not None:
            found = found + self.direct(x)
        return self.mixture(locked_dropout(found, self.options.dropout, self.training))  # type: ignore[no-any-return]

    def read(self, vectors: Tensor, begins: Tensor, carried: Carried) -> Reading:
        """See `Network.read`: the history of each place is all that is read, so nothing is carried."""
        return Reading(self(vectors), ())
