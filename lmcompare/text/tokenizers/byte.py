"""Bytes as tokens: 256 of them, `bos` and `eos`; nothing is unknown and nothing is lost.

Knows nothing of characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lmcompare.files import digest
from lmcompare.interface import Encoding, Ids
from lmcompare.text.tokenizers.lines import closed_lines, one_line
from lmcompare.text.tokenizers.options import TokenizerOptions

_LINE_END = 10


class ByteTokenizer:
    """UTF-8 bytes: ids 0 to 255 are the bytes, `bos` is 256, `eos` is 257."""

    kind = "byte"
    size = 258
    bos = 256
    eos = 257
    unk: int | None = None
    lossy = ""

    def __init__(self) -> None:
        self.fingerprint: str = digest(self.to_json())

    @classmethod
    def train(cls, options: TokenizerOptions, sentences: Iterable[str]) -> ByteTokenizer:
        """The one byte tokenizer there is; reads no text."""
        return cls()

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ByteTokenizer:
        """The one byte tokenizer there is."""
        return cls()

    def to_json(self) -> dict[str, Any]:
        """See `Tokenizer.to_json`."""
        return {"kind": self.kind}

    def encode(self, sentence: str) -> Encoding:
        """See `Tokenizer.encode`."""
        ids = np.frombuffer(one_line(sentence), np.uint8).astype(np.int32)
        return Encoding(ids, np.arange(len(ids) + 1))

    def encode_document(self, sentences: Sequence[str]) -> Ids:
        """See `Tokenizer.encode_document`."""
        ids = np.frombuffer(closed_lines(sentences).encode(), np.uint8).astype(np.int32)
        ids[ids == _LINE_END] = self.eos
        return ids

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """See `Tokenizer.decode`; bytes that are no UTF-8 become the replacement character."""
        kept = np.asarray(ids, dtype=np.int64)
        kept = np.where(kept == self.eos, _LINE_END, kept)[kept != self.bos]
        return str(kept.astype(np.uint8).tobytes().decode(errors="replace"))

    def token(self, index: int) -> str:
        """See `Tokenizer.token`: ASCII that prints as it is, other bytes as `<0xE6>`."""
        if index >= self.bos:
            return "<s>" if index == self.bos else "</s>"
        return chr(index) if 32 <= index < 127 else f"<0x{index:02X}>"
