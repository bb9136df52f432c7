"""Text in units that all models share: words where spaces part them, else characters.

Models with different tokenizers write different tokens, but all of them write text. A line end parts
sentences and is no unit. The sign "<unk>", which a tokenizer shows for what it does not know, is one
unit in both countings. Knows nothing of models and tokenizers.
"""

from __future__ import annotations

import itertools
import re
from typing import Literal

UnitName = Literal["words", "characters"]
_PATTERNS = {"words": re.compile(r"\S+"), "characters": re.compile(r"<unk>|[^\n]")}


def unit_name(words: bool) -> UnitName:
    """The unit of a corpus."""
    return "words" if words else "characters"


def units(text: str, unit: UnitName) -> list[str]:
    """All units of a text, line ends left out."""
    return _PATTERNS[unit].findall(text)


def lines(text: str, unit: UnitName) -> list[list[str]]:
    """The units of each line that has any."""
    found = (units(line, unit) for line in text.split("\n"))
    return [line for line in found if line]


def unit_ends(text: str, unit: UnitName, most: int) -> list[int]:
    """Where each of the first `most` units ends in the text; fewer where the text has fewer."""
    return [match.end() for match in itertools.islice(_PATTERNS[unit].finditer(text), most)]
