"""Which ids of a tokenizer stand for words that nobody can name any more: what counts as unknown.

A tokenizer has an id for what is not in its vocabulary. Some corpora come with their rare words already
replaced by a sign (WikiText-2 and the Penn Treebank by "<unk>"): to the tokenizer that is an entry like any
other, and to models a token, but to who counts unknown words it is one of them. Knows nothing of scores.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lmcompare.interface import Ids, Tokenizer

SIGNS: Final = ("<unk>", "<UNK>")
"""What readers of ARPA files take for the unknown word. A bare "UNK" may be an abbreviation."""


def unknown_ids(tokenizer: Tokenizer) -> Ids:
    """The id of all that is not in the vocabulary and those of entries that read as a sign, rising."""
    found = set() if tokenizer.unk is None else {tokenizer.unk}
    for sign in SIGNS:
        ids = np.asarray(tokenizer.encode(sign).ids).tolist()
        if len(ids) == 1 and tokenizer.token(ids[0]) == sign:
            found.add(ids[0])
    return np.array(sorted(found), dtype=np.int64)


def is_unknown(ids: NDArray[np.integer[Any]], tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """Which events are unknown, `[events]`."""
    return np.isin(np.asarray(ids), unknown_ids(tokenizer))
