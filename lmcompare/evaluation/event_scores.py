"""log p of every event, kept in a file beside the results: what all statistics can be made from again.

One NPZ file holds, for each split, where its documents start and one float64 array a policy. A model
that forgets by itself has the same scores under both policies, and they are stored once. Knows
nothing of models and statistics.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lmcompare.errors import InputError
from lmcompare.evaluation.results import PolicyName, SplitName
from lmcompare.files import write_bytes
from lmcompare.interface import Floats, Ids

_REMEDY = "Remove the file and evaluate the model again"


@dataclass(frozen=True, slots=True)
class EventScores:
    """Natural log p of all events of one model.

    Attributes:
        starts: by split, where each document starts among the events, and their number, `[documents + 1]`.
        logprobs: by split and policy, `[events]`, float64.
        columns: what analyses found of every event, by split and name ("order" is the order that an n-gram
            model matched), `[events]`, numbers of any type.
    """

    starts: dict[SplitName, Ids]
    logprobs: dict[tuple[SplitName, PolicyName], Floats]
    columns: dict[tuple[SplitName, str], np.ndarray] = field(default_factory=dict)

    def documents(self, split: SplitName, policy: PolicyName) -> list[Floats]:
        """The same as one array a document."""
        return np.split(self.logprobs[split, policy], self.starts[split][1:-1])

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all; equal scores give equal bytes."""
        arrays: dict[str, np.ndarray] = {}
        for split, starts in self.starts.items():
            arrays[f"{split}.starts"] = np.asarray(starts, dtype=np.int64)
            arrays[f"{split}.native"] = self.logprobs[split, "native"]
            if self.logprobs[split, "matched"] is not self.logprobs[split, "native"]:
                arrays[f"{split}.matched"] = self.logprobs[split, "matched"]
        for (split, name), column in self.columns.items():
            arrays[f"{split}.column.{name}"] = column
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> EventScores:
        """Read what `save` wrote; `InputError` names a file that is missing or damaged."""
        starts: dict[SplitName, Ids] = {}
        logprobs: dict[tuple[SplitName, PolicyName], Floats] = {}
        columns: dict[tuple[SplitName, str], np.ndarray] = {}
        splits: tuple[SplitName, ...] = ("valid", "test")
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                for split in splits:
                    if f"{split}.starts" not in arrays:
                        continue
                    starts[split] = arrays[f"{split}.starts"]
                    native = arrays[f"{split}.native"]
                    matched = arrays[f"{split}.matched"] if f"{split}.matched" in arrays else native
                    logprobs[split, "native"], logprobs[split, "matched"] = native, matched
                    prefix = f"{split}.column."
                    for name in arrays.files:
                        if name.startswith(prefix):
                            columns[split, name.removeprefix(prefix)] = arrays[name]
        except FileNotFoundError:
            raise InputError(
                "the file is missing", where=str(path), remedy="Evaluate the model again"
            ) from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"the scores cannot be read: {error}", where=str(path), remedy=_REMEDY) from None
        for (split, _), values in logprobs.items():
            if values.ndim != 1 or values.dtype != np.float64 or len(values) != starts[split][-1]:
                raise InputError(
                    f"the scores of {split} do not fit their documents", where=str(path), remedy=_REMEDY
                )
        for (split, name), column in columns.items():
            if column.shape != (starts[split][-1],):
                what = f"the column {name} of {split} does not fit its documents"
                raise InputError(what, where=str(path), remedy=_REMEDY)
        return cls(starts, logprobs, columns)
