"""A short text from nothing, by which a person sees how far a model has come.

Knows nothing of training: it is asked for a text now and then (`registry.Training.write`).
"""

from __future__ import annotations

import numpy as np

from lmcompare.generation.loop import generate
from lmcompare.generation.rules import temperature
from lmcompare.interface import LanguageModel

TOKENS = 60
CHARACTERS = 160


def short_text(model: LanguageModel) -> str:
    """What the model writes from nothing at temperature 0.8, always with the same random numbers.

    So that two texts of one training differ by what was learnt between them, and by nothing else.
    """
    written = generate(model, [np.zeros(0, dtype=np.int64)], temperature(0.8), max_tokens=TOKENS)
    return written[0].text[:CHARACTERS]
