"""A closed vocabulary: bos 0, eos 1, unk 2, then what was most frequent first.

The specials are ids and not strings: a literal "<unk>" in the text is an entry like any other.
Knows nothing of how text is cut into entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lmcompare.errors import InputError
from lmcompare.files import digest

BOS: Final = 0
EOS: Final = 1
UNK: Final = 2
SPECIALS: Final = 3


def by_frequency(counts: Mapping[str, int], min_count: int, max_size: int | None) -> list[str]:
    """Entries from the most frequent to the rarest; ties stay in the order of `counts`.

    Args:
        counts: how often each entry occurs, in the order of first occurrence.
        min_count: entries that occur less often are left out.
        max_size: most ids, the three specials included.
    """
    kept = [entry for entry, count in counts.items() if count >= min_count]
    kept.sort(key=counts.__getitem__, reverse=True)  # Python's sort keeps ties in order, in reverse too.
    return kept if max_size is None else kept[: max_size - SPECIALS]


class ClosedVocabulary:
    """What the char and word tokenizers share: ids of known entries, one id for all the others.

    Args:
        entries: all different; entry `i` has id `i + 3`.
    """

    kind = ""
    lossy = ""
    bos = BOS
    eos = EOS
    unk: int | None = UNK

    def __init__(self, entries: Sequence[str]) -> None:
        self.entries: tuple[str, ...] = tuple(entries)
        self.ids: dict[str, int] = {entry: index for index, entry in enumerate(self.entries, SPECIALS)}
        if len(self.ids) != len(self.entries) or "" in self.ids:
            raise InputError("a vocabulary names an entry twice, or an empty one", where="tokenizer")
        self.size: int = len(self.entries) + SPECIALS
        self.fingerprint: str = digest(self.to_json())

    def token(self, index: int) -> str:
        """See `Tokenizer.token`: `<s>`, `</s>`, `<unk>`, or the entry as it stands in the text."""
        if not 0 <= index < self.size:
            raise InputError(f"there is no token {index}, ids run from 0 to {self.size - 1}")
        return ("<s>", "</s>", "<unk>")[index] if index < SPECIALS else self.entries[index - SPECIALS]

    def to_json(self) -> dict[str, Any]:
        """See `Tokenizer.to_json`."""
        return {"kind": self.kind, "entries": list(self.entries)}


def stored_strings(stored: Mapping[str, Any], key: str) -> list[str]:
    """The list of strings under `key`; raises `InputError` where it is anything else."""
    value = stored.get(key)
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise InputError(f"`{key}` must be a list of strings", where="tokenizer.json")
    return value
