"""Writing a model as an ARPA file, the format that all n-gram tools read.

Knows the tables and how tokens are spelled (`spelling`), nothing of estimation. Numbers are written with
nine digits, so that a file that is read back gives the same float32 numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lmcompare.models.ngram.compressed import whole_file
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.spelling import names
from lmcompare.models.ngram.tables import BackoffTables
from lmcompare.side_by_side import side_by_side

_ROWS = 1 << 13


def write_arpa(model: NgramModel, path: Path, threads: int = 2) -> None:
    """Write `path` (packed if it ends in ".gz", ".bz2" or ".xz"), whole or not at all.

    `<s>`, which is never predicted, has the customary probability -99; other impossible events have -inf,
    and an impossible `<unk>` is left out. The highest orders are left out where they have no n-gram, but for
    one above back-off weights that are not 1: those count though no n-gram there is listed. Words are spelled
    as `spelling` says. More than two threads are no faster.
    """
    with whole_file(path) as file:
        _write(model, file, threads)


def _write(model: NgramModel, file: BinaryIO, threads: int) -> None:
    tables, tokenizer = model.tables, model.tokenizer
    hidden = -1
    if tokenizer.unk is not None and np.isneginf(tables.logprobs[1 + tokenizer.unk]):
        hidden = 1 + tokenizer.unk
    sizes = np.diff(tables.levels[1:])
    sizes[0] -= hidden >= 0
    weighted = np.searchsorted(tables.levels, np.flatnonzero(tables.backoffs), side="right")  # orders from 1
    order = max(int(np.flatnonzero(sizes)[-1]) + 1, int(weighted.max(initial=0)))
    header = "".join(f"ngram {n}={sizes[n - 1]}\n" for n in range(1, order + 1))
    file.write(f"\\data\\\n{header}".encode())
    spell = partial(_spelled, tables, _joined(names(tokenizer)), hidden, 1 + tokenizer.bos)
    for n in range(1, order + 1):
        file.write(f"\n\\{n}-grams:\n".encode())
        first, end = int(tables.levels[n]), int(tables.levels[n + 1])
        blocks = (range(start, min(start + _ROWS, end)) for start in range(first, end, _ROWS))
        for lines in side_by_side(partial(spell, n, n < order), blocks, threads):
            file.write(lines)
    file.write(b"\n\\end\\\n")


@dataclass(frozen=True, slots=True)
class _Spelling:
    """How ids are spelled, and a space after each; `letters` holds eight bytes a number.

    Id i is the first `lengths[i]` bytes of `letters[bounds[i]:bounds[i + 1]]`.
    """

    letters: NDArray[np.uint64]
    bounds: NDArray[np.uint64]
    lengths: NDArray[np.uint64]


def _joined(words: Sequence[str]) -> _Spelling:
    spelled = [f"{word} ".encode() for word in words]
    lengths = np.fromiter(map(len, spelled), np.uint64, len(spelled))
    letters = b"".join(word.ljust(-(-len(word) // 8) * 8) for word in spelled)
    bounds = np.append(np.uint64(0), np.cumsum((lengths + np.uint64(7)) // np.uint64(8)))
    return _Spelling(np.frombuffer(letters, dtype="<u8"), bounds, lengths)


def _spelled(
    tables: BackoffTables,
    spelling: _Spelling,
    hidden: int,
    bos: int,
    order: int,
    weighted: bool,
    nodes: range,
) -> memoryview:
    """The lines of some n-grams of one order."""
    from lmcompare.models.ngram import arpa_kernels

    most = 2 * arpa_kernels.MOST + order * int(spelling.lengths.max())
    out = np.empty(len(nodes) * most + arpa_kernels.OVER, dtype=np.uint8)
    used = arpa_kernels.spell(
        nodes.start,
        nodes.stop,
        order,
        weighted,
        hidden,
        bos,
        tables.words,
        tables.logprobs,
        tables.backoffs,
        tables.starts,
        spelling.letters,
        spelling.bounds,
        spelling.lengths,
        out,
    )
    return out[:used].data
