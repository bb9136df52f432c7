"""One row a token: what every model gave it, as columns, and as a Parquet or NPZ file.

Knows nothing of models: it joins scores of one event space on one text.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.evaluation.event_scores import EventScores
from lmcompare.evaluation.position import places
from lmcompare.evaluation.results import SplitName
from lmcompare.evaluation.units import sentence_lengths, split_of
from lmcompare.files import write_bytes
from lmcompare.text.encoded import EncodedCorpus

Columns = dict[str, NDArray[Any]]
SUFFIXES = (".parquet", ".npz")


def columns(encoded: EncodedCorpus, split: SplitName, models: Mapping[str, EventScores]) -> Columns:
    """The events of a split in order: `document`, `sentence`, `position`, `id`, `token`, and log p.

    Args:
        encoded: the text in the tokens that all these models predict.
        split: which split.
        models: scores by name; the column `NAME` holds natural log p under the native policy,
            `NAME (matched)` that with every sentence on its own, `NAME: COLUMN` what an analysis added.

    Returns:
        arrays of the split's length; documents and sentences are numbered from 0 over the split, a token's
        place in its sentence from 1.
    """
    text = split_of(encoded, split)
    ids = np.asarray(text.ids)
    lengths = sentence_lengths(text, encoded.tokenizer.eos)
    words = np.array([encoded.tokenizer.token(index) for index in range(encoded.tokenizer.size)])
    found: Columns = {
        "document": np.repeat(np.arange(len(text.starts) - 1, dtype=np.int32), np.diff(text.starts)),
        "sentence": np.repeat(np.arange(len(lengths), dtype=np.int32), lengths),
        "position": places(lengths).astype(np.int32),
        "id": ids.astype(np.int32),
        "token": words[ids],
    }
    for name, scores in models.items():
        native, matched = (scores.logprobs[split, policy] for policy in ("native", "matched"))
        if len(native) != len(ids):
            raise InputError(f"the scores of {name!r} are of another text", remedy="Score it again")
        found[name] = native
        if matched is not native:
            found[f"{name} (matched)"] = matched
        for (of, column), values in scores.columns.items():
            if of == split:
                found[f"{name}: {column}"] = values
    return found


def write(path: Path, table: Mapping[str, NDArray[Any]]) -> None:
    """Write columns as `.parquet` (with pyarrow) or `.npz` (with numpy alone), whole or not at all.

    Raises:
        InputError: another suffix, or pyarrow is not installed.
    """
    if path.suffix not in SUFFIXES:
        what = (
            f"a table is written as {' or '.join(SUFFIXES)}, not as {path.suffix or 'a file without suffix'}"
        )
        raise InputError(what, where=str(path), remedy="Give the file such a name")
    buffer = io.BytesIO()
    if path.suffix == ".npz":
        named: dict[str, Any] = dict(table)
        np.savez_compressed(buffer, allow_pickle=False, **named)
    else:
        try:
            import pyarrow as arrow
            import pyarrow.parquet as parquet
        except ImportError:
            remedy = "Run `python -m pip install pyarrow`, or write .npz"
            raise InputError("Parquet files need pyarrow", where=str(path), remedy=remedy) from None
        made = arrow.table({name: arrow.array(column) for name, column in table.items()})
        parquet.write_table(made, buffer, compression="zstd", use_dictionary=["token"])
    write_bytes(path, buffer.getvalue())
