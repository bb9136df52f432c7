"""Scores that were computed once: a text is scored anew only when something that moves a bit has changed.

The name under which scores are kept is a digest of all that they depend on: every byte of the model's
folder, the text, its tokens, the split, the window, the versions, the code that scores and the number of
threads. So a wrong hit would need two equal digests. What is damaged is computed again. Knows nothing of how
models score.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lmcompare.errors import InputError
from lmcompare.evaluation.results import SplitName
from lmcompare.evaluation.signature import computed_with
from lmcompare.evaluation.source_code import code_of
from lmcompare.evaluation.units import split_of
from lmcompare.files import (
    MANIFEST,
    check_folder,
    digest,
    model_kind,
    new_folder,
    read_json,
    write_bytes,
    write_json,
)
from lmcompare.interface import Floats
from lmcompare.text.encoded import EncodedCorpus

FORMAT = 2


@dataclass(frozen=True, slots=True)
class Scored:
    """One split as one model scored it.

    Attributes:
        native: log p of every event in order, `[events]`, float64.
        matched: the same with every sentence on its own; the same array for a model that forgets by itself.
        tokens_per_second: events scored per second when they were scored, context kept over lines.
        peak_memory: largest resident size of the process that scored them, bytes.
        matched_seconds: what the second array took; 0 where it is the first.
    """

    native: Floats
    matched: Floats
    tokens_per_second: float
    peak_memory: int
    matched_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """What the first array took."""
        return len(self.native) / self.tokens_per_second if len(self.native) else 0.0


@dataclass(frozen=True, slots=True)
class ScoreCache:
    """Where the scores of one model are kept.

    Attributes:
        folder: holds a folder for each text and window.
        model: digest of the model and of all else that moves a bit, the text apart.
    """

    folder: Path
    model: str

    @classmethod
    def of(cls, folder: Path, model: Path, threads: int | str) -> ScoreCache:
        """The cache of a saved model.

        Args:
            folder: where scores are kept.
            model: the model's folder; its manifest holds a checksum of each of its files.
            threads: that compute. Versions and code are looked up, for the models inside it too.

        Raises:
            InputError: the model's folder is no such folder, or is damaged.
        """
        check_folder(model)
        kinds = {model_kind(file.parent) for file in model.rglob("model.json")}
        computed = {**computed_with(), "code": code_of(kinds), "threads": str(threads)}
        return cls(folder, digest([FORMAT, read_json(model / MANIFEST), computed]))

    def key(self, encoded: EncodedCorpus, split: SplitName, window: int | None, stride: int | None) -> str:
        """The name under which the scores of a split are kept."""
        events = split_of(encoded, split)
        ids = hashlib.sha256(np.ascontiguousarray(events.ids).tobytes())
        ids.update(np.asarray(events.starts, dtype=np.int64).tobytes())
        text = [encoded.corpus.hash, encoded.tokenizer.fingerprint, split, ids.hexdigest()]
        return digest([self.model, text, window, stride])

    def get(self, key: str, events: int) -> Scored | None:
        """What is kept under a name; `None` where nothing is, or where it is damaged."""
        path = self.folder / key
        try:
            check_folder(path)
            facts = read_json(path / "facts.json")
            speed, took = float(facts["tokens_per_second"]), float(facts["matched_seconds"])
            peak = int(facts["peak_memory"])
            with np.load(path / "scores.npz", allow_pickle=False) as arrays:
                native = arrays["native"]
                matched = arrays["matched"] if "matched" in arrays else native
        except (InputError, OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        if len(native) != events or len(matched) != events:
            return None
        return Scored(native, matched, speed, peak, took)

    def put(self, key: str, scored: Scored) -> None:
        """Keep scores under a name, whole or not at all; what stood there is replaced."""
        arrays = {"native": scored.native}
        if scored.matched is not scored.native:
            arrays["matched"] = scored.matched
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        with new_folder(self.folder / key, replace=True) as temporary:
            write_bytes(temporary / "scores.npz", buffer.getvalue())
            facts = {
                "tokens_per_second": scored.tokens_per_second,
                "peak_memory": scored.peak_memory,
                "matched_seconds": scored.matched_seconds,
            }
            write_json(temporary / "facts.json", facts)
