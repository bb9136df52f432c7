"""Writing a model as an ARPA file, the format that all n-gram tools read.

Knows the tables and how tokens are spelled (`spelling`), nothing of estimation. Numbers are written with
nine digits, so that a file that is read back gives the same float32 numbers.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lmcompare.models.ngram.compressed import whole_file
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.spelling import names

_ROWS = 100_000


def write_arpa(model: NgramModel, path: Path) -> None:
    """Write `path` (packed if it ends in ".gz", ".bz2" or ".xz"), whole or not at all.

    `<s>`, which is never predicted, has the customary probability -99; other impossible events have -inf,
    and an impossible `<unk>` is left out. Orders without n-grams are left out. Words are spelled as
    `spelling` says.
    """
    with whole_file(path) as file:
        _write(model, file)


def _write(model: NgramModel, file: BinaryIO) -> None:
    tables, tokenizer = model.tables, model.tokenizer
    words = np.array(names(tokenizer), dtype=object)
    shown = np.ones(len(tables.words), dtype=bool)
    if tokenizer.unk is not None:
        shown[1 + tokenizer.unk] = np.isfinite(tables.logprobs[1 + tokenizer.unk])
    # In float64: a second rounding to float32 would not be undone by the reader's.
    logprobs = tables.logprobs.astype(np.float64) / math.log(10)
    logprobs[1 + tokenizer.bos] = -99.0
    backoffs = tables.backoffs.astype(np.float64) / math.log(10)

    sizes = np.diff(tables.levels[1:])
    sizes[0] = np.count_nonzero(shown[tables.levels[1] : tables.levels[2]])
    order = int(np.flatnonzero(sizes)[-1]) + 1
    header = "".join(f"ngram {n}={sizes[n - 1]}\n" for n in range(1, order + 1))
    file.write(f"\\data\\\n{header}".encode())
    for n in range(1, order + 1):
        file.write(f"\n\\{n}-grams:\n".encode())
        first, end = int(tables.levels[n]), int(tables.levels[n + 1])
        line = "%.9g\t" + " ".join(["%s"] * n) + ("\t%.9g\n" if n < order else "\n")
        for start in range(first, end, _ROWS):
            stop = min(start + _ROWS, end)
            keep = shown[start:stop]
            columns = [logprobs[start:stop], *words[tables.grams(start, stop)].T]
            if n < order:
                columns.append(backoffs[start:stop])
            fields = np.stack([column.astype(object)[keep] for column in columns], axis=1)
            file.write((line * len(fields) % tuple(fields.ravel().tolist())).encode())
    file.write(b"\n\\end\\\n")
