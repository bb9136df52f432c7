"""Lines to ask something about: sentences where a text has enough of them, else any line of fitting length.

Among the short lines of running text most are headings, captions and items of lists: what is asked of them
says little of language. Code and synthetic languages have no full stops, and there a line is as good as
another. Knows nothing of models, and not what is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lmcompare.evaluation.material import ENDINGS
from lmcompare.interface import Ids, split_sentences

FEWEST = 10
"""With fewer sentences than this, or than are asked for, a text is taken for one without sentences."""
HEADINGS = ("=", "#")
"""Wiki text and Markdown begin their headings with these."""
CLOSING = " \"'”’」』）)]》»"
"""What may follow the sign that ends a sentence."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Lines of a text.

    Attributes:
        ids: of each line as it is read, its `eos` included.
        lines: the same as text.
        sentences: whether they are sentences; else the text has too few, and they are any lines.
    """

    ids: list[Ids]
    lines: list[str]
    sentences: bool


def is_sentence(line: str) -> bool:
    """Whether a line ends as a sentence does, with or without a closing quote, and is no heading."""
    text = line.strip()
    return text.rstrip(CLOSING).endswith(ENDINGS) and not text.startswith(HEADINGS)


def choose(text: Ids, lines: Sequence[str], eos: int, least: int, most: int, wanted: int) -> Chosen:
    """All sentences of `least` to `most` tokens, `eos` not counted; all such lines where sentences are few.

    Args:
        text: all documents of a split one after the other, `[events]`.
        lines: the same as text, `[sentences]`.
        eos: the id that ends each.
        least: tokens.
        most: tokens.
        wanted: how many are asked for: as many sentences are enough, even where that is less than `FEWEST`.
    """
    fitting = [
        (np.asarray(ids, dtype=np.int64), line)
        for ids, line in zip(split_sentences(text, eos), lines, strict=True)
        if least < len(ids) <= most + 1 and ids[-1] == eos
    ]
    sentences = [one for one in fitting if is_sentence(one[1])]
    enough = len(sentences) >= min(wanted, FEWEST)
    found = sentences if enough else fitting
    return Chosen([ids for ids, _ in found], [line for _, line in found], enough)
