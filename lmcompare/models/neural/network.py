"""What every network offers to training and scoring, whatever it is inside.

Knows nothing of any network. A network stands between the two ends of an `Embedding`: input vectors
in, hidden vectors out, from which the embedding makes log-probabilities.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from lmcompare.models.neural.embedding import Embedding

Carried = tuple[Tensor, ...]
"""What rows take with them from one chunk of text to the next: tensors whose first dimension is the row."""


class Reading(NamedTuple):
    """What reading one chunk of the training streams gives.

    Attributes:
        hidden: vectors after each place, `[batch, time, width]` (or what `OutputMixture` makes of them).
        carried: for the next chunk; empty where each chunk is read from scratch.
        penalty: added to the training loss; `None` where there is none.
    """

    hidden: Tensor
    carried: Carried
    penalty: Tensor | None = None


class Network(nn.Module):
    """A network as training and scoring see it.

    Attributes:
        embedding: the tables at its two ends; "embedding." is the prefix of their parameters' names.
        lookback: tokens of history that the embedding is given at each place; 1 is the token alone.
        carries: whether a chunk is read on from the chunk before; otherwise nothing stands left of it.
    """

    embedding: Embedding
    lookback: int
    carries: bool

    def read(self, vectors: Tensor, begins: Tensor, carried: Carried) -> Reading:
        """One chunk of the training streams.

        Args:
            vectors: what is read, `[batch, time, width]`; for the feed-forward network one vector for each
                token of the history, `[batch, time, lookback, width]`.
            begins: marks where `bos` is read, `[batch, time]`: what stands before it is another text.
            carried: what the chunk before gave; empty at an epoch's first chunk.
        """
        raise NotImplementedError

    def compile_steps(self) -> None:
        """From now on step a few rows in compiled loops: the same numbers but for rounding."""
        self.embedding.compiled = True
