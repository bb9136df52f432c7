"""The last few tokens at each place, as n-gram networks and n-gram embeddings read them.

Knows nothing of what is made of them. A text begins with `bos`, and before that stands `bos` again:
what lies before a `bos` is never seen, in a document or in a training stream of many.
"""

from __future__ import annotations

import torch
from torch import Tensor


def histories(tokens: Tensor, before: Tensor | None, length: int, bos: int) -> Tensor:
    """The last `length` tokens at each place, the place's own last: `[batch, time, length]`.

    Args:
        tokens: ids, `[batch, time]`.
        before: ids that stand left of them, `[batch, length - 1]`; `None`: nothing, as if all were `bos`.
        length: tokens of one history.
        bos: where one stands, all that is older is `bos` too.
    """
    if before is None:
        before = tokens.new_full((len(tokens), length - 1), bos)
    history = torch.cat([before, tokens], dim=1).unfold(1, length, 1)
    not_older = (history == bos).flip(2).cumsum(2).flip(2)
    return history.masked_fill(not_older > 0, bos)
