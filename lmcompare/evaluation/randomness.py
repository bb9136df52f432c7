"""Whether another seed would have given another model. Knows nothing of scores."""

from __future__ import annotations

from typing import Final

from lmcompare.interface import LanguageModel

COUNTED: Final = frozenset({"ngram", "kenlm", "skip", "class", "unbounded", "source", "cache", "mixture"})
"""Kinds whose own training draws nothing at random; what they are made of may."""
_MADE_OF: Final = ("members", "member", "over")


def is_drawn(model: LanguageModel) -> bool:
    """Whether the training of a model, or of one that it is made of, draws at random."""
    found = [getattr(model, name, None) for name in _MADE_OF]
    inner = [each for part in found for each in (part if isinstance(part, list | tuple) else [part])]
    members = [each for each in inner if isinstance(each, LanguageModel)]
    return any(map(is_drawn, members)) if members else model.kind not in COUNTED
