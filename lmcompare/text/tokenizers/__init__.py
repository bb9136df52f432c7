"""Tokenizers: text to ids and back. `build` learns one from text, `from_json` reads a stored one.

Knows nothing of any one kind: a kind is a class in the registry with `train` and `from_json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lmcompare.errors import InputError
from lmcompare.interface import Tokenizer
from lmcompare.registry import tokenizers
from lmcompare.text.tokenizers.options import TokenizerOptions
from lmcompare.text.tokenizers.ordered import in_order, stored_order

__all__ = ["TokenizerOptions", "build", "from_json"]


def build(options: TokenizerOptions, sentences: Iterable[str]) -> Tokenizer:
    """The tokenizer that the options ask for, its vocabulary learned from `sentences`.

    Args:
        options: kind and size.
        sentences: the training split only, or the test split's words would be known beforehand.

    Raises:
        InputError: an unknown kind, or no text where text is needed.
    """
    tokenizer: Tokenizer = tokenizers.get(options.kind, where="tokenizer.kind").train(options, sentences)
    return in_order(tokenizer, options.order)


def from_json(stored: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer whose `to_json` gave `stored`; raises `InputError` where that is damaged."""
    kind = stored.get("kind") if isinstance(stored, Mapping) else None
    if not isinstance(kind, str):
        raise InputError("no tokenizer is stored here: `kind` is missing", where="tokenizer.json")
    own, order = stored_order(stored)
    tokenizer: Tokenizer = tokenizers.get(kind, where="tokenizer.json, kind").from_json(own)
    return in_order(tokenizer, order)
