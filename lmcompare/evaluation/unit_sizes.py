"""How large a text is in every unit, and how much of it is unknown to a tokenizer.

Every line end counts as one event, one word, one character and one byte, as everywhere. Knows nothing of
models and scores.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lmcompare.evaluation.results.unit_table import UNITS, UnitName
from lmcompare.evaluation.units import Units
from lmcompare.interface import Floats, Ids, Tokenizer
from lmcompare.text.encoded import EncodedSplit
from lmcompare.text.tokenizers.unknown import SIGNS, unknown_ids

# 〇, extension A and the unified block, compatibility ideographs, and the planes of ideographs.
_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
LEAST_HAN = 0.1
"""Share of the characters below which a text is not counted in Chinese ones: the few that an English text
quotes would be charged with all its bits."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """A text in every unit, sentence by sentence.

    Attributes:
        counts: by unit, `[sentences]`; a unit that the text does not have is left out, as are Chinese
            characters where they are few (`LEAST_HAN`).
        unknown: the same of what unknown tokens stand for; words only where a token is a word.
        events: unknown events, `[sentences]`.
        types: how many different strings are unknown, signs not among them.
        signs: unknown events whose word the text itself does not tell: it stands there as "<unk>".
    """

    counts: Mapping[UnitName, Ids]
    unknown: Mapping[UnitName, Ids]
    events: Ids
    types: int
    signs: int


def sizes(sentences: Sequence[str], ids: Ids, tokenizer: Tokenizer, *, words: bool) -> Sizes:
    """Count a text in every unit.

    Args:
        sentences: the original text, a line each.
        ids: the same as ids with `eos` at the end of each, `[events]`.
        tokenizer: that made the ids.
        words: whether spaces part words.
    """
    ids = np.asarray(ids)
    ends = np.flatnonzero(ids == tokenizer.eos)
    events = np.diff(ends, prepend=-1)
    found: dict[UnitName, Ids] = {
        "event": events,
        "token": events - 1,
        "character": _each(map(len, sentences), len(sentences)) + 1,
        "han": _each((len(_HAN.findall(sentence)) for sentence in sentences), len(sentences)),
        "byte": _each((len(sentence.encode()) for sentence in sentences), len(sentences)) + 1,
    }
    if words:
        found["word"] = _each((len(sentence.split()) for sentence in sentences), len(sentences)) + 1
    unknown_of = unknown_ids(tokenizer)
    strange = np.isin(ids, unknown_of)
    sentence_of = np.repeat(np.arange(len(events)), events)
    number = np.bincount(sentence_of[strange], minlength=len(events))
    pieces = {
        place: _unknown(sentences[place], tokenizer, unknown_of) for place in np.flatnonzero(number).tolist()
    }
    unknown: dict[UnitName, Ids] = {"event": number, "token": number}
    counted: tuple[tuple[UnitName, Callable[[str], int]], ...]
    counted = (("character", len), ("han", _han), ("byte", _bytes))
    for unit, count in counted:
        unknown[unit] = np.zeros_like(number)
        for place, texts in pieces.items():
            unknown[unit][place] = sum(map(count, texts))
    if tokenizer.kind == "word":
        unknown["word"] = number
    if found["han"].sum() < LEAST_HAN * found["character"].sum():
        del found["han"]
    kept = {unit: found[unit] for unit in UNITS if unit in found and found[unit].any()}
    named = Counter(text.strip() or text for texts in pieces.values() for text in texts)
    signs = sum(named.pop(sign, 0) for sign in SIGNS)
    return Sizes(kept, {unit: unknown[unit] for unit in kept if unit in unknown}, number, len(named), signs)


def by_unit(values: Ids, split: EncodedSplit, units: Units) -> Floats:
    """What the sentences of each resampled unit add up to: `[sentences]` in, `[units]` out."""
    if units.name == "sentences":
        return values.astype(np.float64)
    running = np.concatenate([[0], np.cumsum(values)])
    sums: Ids = running[split.sentence_starts[1:]] - running[split.sentence_starts[:-1]]
    return sums.astype(np.float64)


def _unknown(sentence: str, tokenizer: Tokenizer, unknown: Ids) -> list[str]:
    """The text that each unknown token of a sentence stands for."""
    encoding, text = tokenizer.encode(sentence), sentence.encode()
    places = np.flatnonzero(np.isin(encoding.ids, unknown))
    return [text[start:end].decode(errors="replace") for start, end in encoding.spans[places].tolist()]


def _han(text: str) -> int:
    return len(_HAN.findall(text))


def _bytes(text: str) -> int:
    return len(text.encode())


def _each(values: object, number: int) -> Ids:
    return np.fromiter(values, np.int64, number)  # type: ignore[call-overload,no-any-return]
