"""What a corpus is: named text in three splits, each a list of documents, each a list of sentences.

Knows nothing of where the text comes from (`sources`) or how it becomes ids (`encoded`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

SPLITS: tuple[Literal["train"], Literal["valid"], Literal["test"]] = ("train", "valid", "test")


@dataclass(frozen=True, slots=True)
class Document:
    """What context never crosses: a name and its sentences, one line of text each, without line ends."""

    name: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Corpus:
    """Named text with the splits `train`, `valid` and `test`.

    Attributes:
        name: registry name or the user's.
        title: for people.
        language: "en", "zh", ... (BCP 47).
        words: whether spaces part words, so that "per word" has a meaning.
        licence: of the text.
        splits: documents by split.
        facts: what is known of the text, such as a synthetic language's exact entropy.
        by_document: whether documents are real units (false: the source knew only sentences).
        source: the distribution that a synthetic text was drawn from, as plain values
            (`synthetic.options.process_of`); `None`: nobody knows it.
    """

    name: str
    title: str
    language: str
    words: bool
    licence: str
    splits: dict[str, list[Document]]
    facts: dict[str, float | str] = field(default_factory=dict)
    by_document: bool = True
    source: dict[str, Any] | None = None

    def sentences(self, split: str) -> list[str]:
        """All sentences of one split, in order."""
        return [sentence for document in self.splits[split] for sentence in document.sentences]

    @property
    def hash(self) -> str:
        """Hex digest of the splits' text; names and facts do not enter."""
        known = self.__dict__.get("_hash")
        if known is None:
            state = hashlib.sha256()
            for split in SPLITS:
                for document in self.splits[split]:
                    # Half a surrogate pair is no text; it is the tokenizers that refuse it, with its place.
                    text = "\n".join(document.sentences) + "\n\0"
                    state.update(text.encode("utf-8", "surrogatepass"))
                state.update(b"\1")
            known = state.hexdigest()
            object.__setattr__(self, "_hash", known)
        return str(known)
