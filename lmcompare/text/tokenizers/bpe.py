"""Byte-level byte-pair encoding, learned and applied by Hugging Face's `tokenizers`.

Knows nothing of languages: all 256 bytes are in the vocabulary, so nothing is unknown or lost.
Source: Sennrich et al. 2016 (BPE); Radford et al. 2019, section 2.2 (on bytes).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer as Engine
from tokenizers import models, pre_tokenizers, trainers

from lmcompare.errors import InputError
from lmcompare.files import digest
from lmcompare.interface import Encoding, Ids
from lmcompare.text.tokenizers.lines import closed_lines, one_line
from lmcompare.text.tokenizers.options import TokenizerOptions
from lmcompare.text.tokenizers.vocabulary import stored_strings

_BATCH = 20_000  # sentences encoded at a time: bounds memory on corpora of any size


class BpeTokenizer:
    """Byte-level BPE: pieces have ids 0 to `size - 3`, then `bos`, then `eos`.

    Args:
        pieces: in the order of their ids, in the byte alphabet of `byte_alphabet`.
        merges: pairs of pieces in the order in which they were learned, each joined by one space.
    """

    kind = "bpe"
    unk: int | None = None
    lossy = ""

    def __init__(self, pieces: Sequence[str], merges: Sequence[str]) -> None:
        self.pieces, self.merges = tuple(pieces), tuple(merges)
        pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
        to_byte = {sign: byte for byte, sign in enumerate(byte_alphabet())}
        try:
            vocabulary = {piece: index for index, piece in enumerate(pieces)}
            self._engine = Engine(models.BPE(vocab=vocabulary, merges=pairs))
            self._bytes = [bytes(to_byte[sign] for sign in piece) for piece in pieces]
        except Exception as error:  # the engine raises bare Exception
            raise InputError(f"not a byte-level BPE: {error}", where="tokenizer.json") from None
        if not to_byte.keys() <= vocabulary.keys():
            raise InputError("not a byte-level BPE: a byte has no piece", where="tokenizer.json")
        self._engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        self.bos, self.eos = len(pieces), len(pieces) + 1
        self.size = len(pieces) + 2
        self._bytes += [b"", b"\n"]
        self._lengths = np.fromiter(map(len, self._bytes), np.int64, self.size)
        self.fingerprint: str = digest(self.to_json())

    @classmethod
    def train(cls, options: TokenizerOptions, sentences: Iterable[str]) -> BpeTokenizer:
        """Merge the most frequent pair until there are `size` ids or no pair occurs twice."""
        engine = Engine(models.BPE())
        engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        trainer = trainers.BpeTrainer(
            vocab_size=options.size - 2,
            min_frequency=2,
            initial_alphabet=byte_alphabet(),
            special_tokens=[],
            show_progress=False,
        )
        engine.train_from_iterator(sentences, trainer)
        learned = json.loads(engine.to_str())["model"]
        merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in learned["merges"]]
        return cls(sorted(learned["vocab"], key=learned["vocab"].__getitem__), merges)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> BpeTokenizer:
        """The tokenizer whose `to_json` gave `stored`."""
        return cls(stored_strings(stored, "pieces"), stored_strings(stored, "merges"))

    def to_json(self) -> dict[str, Any]:
        """See `Tokenizer.to_json`."""
        return {"kind": self.kind, "pieces": list(self.pieces), "merges": list(self.merges)}

    def encode(self, sentence: str) -> Encoding:
        """See `Tokenizer.encode`. The pieces' lengths in bytes give the offsets."""
        one_line(sentence)
        ids = np.array(self._engine.encode(sentence, add_special_tokens=False).ids, dtype=np.int32)
        return Encoding(ids, np.concatenate([[0], np.cumsum(self._lengths[ids])]).astype(np.int64))

    def encode_document(self, sentences: Sequence[str]) -> Ids:
        """See `Tokenizer.encode_document`."""
        closed_lines(sentences)
        parts: list[Ids] = [np.zeros(0, dtype=np.int32)]
        for start in range(0, len(sentences), _BATCH):
            batch = list(sentences[start : start + _BATCH])
            found = [piece.ids for piece in self._engine.encode_batch_fast(batch, add_special_tokens=False)]
            flat = itertools.chain.from_iterable((*ids, self.eos) for ids in found)
            parts.append(np.fromiter(flat, np.int32))
        return np.concatenate(parts)

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """See `Tokenizer.decode`; bytes that are no UTF-8 become the replacement character."""
        indices = np.asarray(ids, dtype=np.int64).tolist()
        return b"".join(map(self._bytes.__getitem__, indices)).decode(errors="replace")

    def token(self, index: int) -> str:
        """See `Tokenizer.token`: text, or the bytes as `<0xE6><0x88>` where they are no text."""
        if index in (self.bos, self.eos):
            return "<s>" if index == self.bos else "</s>"
        piece = self._bytes[index]
        try:
            return piece.decode()
        except UnicodeDecodeError:
            return "".join(f"<0x{byte:02X}>" for byte in piece)


def byte_alphabet() -> list[str]:
    """The sign that stands for each byte, by byte: itself where it prints, else one from U+0100 on."""
    printing = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    spare = itertools.count(0x100)
    return [chr(byte) if byte in printing else chr(next(spare)) for byte in range(256)]
