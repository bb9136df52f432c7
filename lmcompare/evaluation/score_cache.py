"""Scores that were computed once: a text is scored anew only when something that moves a bit has changed.

The name under which scores are kept is a digest of all that they depend on: every byte of the model's
folder, the text, the tokenizer, the split, the window, the versions and the number of threads. So a wrong
hit would need two equal digests. What is damaged is computed again. Knows nothing of how models score.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lmcompare.errors import InputError
from lmcompare.evaluation.results import SplitName
from lmcompare.files import MANIFEST, check_folder, digest, new_folder, read_json, write_bytes, write_json
from lmcompare.interface import Floats
from lmcompare.text.encoded import EncodedCorpus

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Scored:
    """One split as one model scored it.

    Attributes:
        native: log p of every event in order, `[events]`, float64.
        matched: the same with every sentence on its own; the same array for a model that forgets by itself.
        tokens_per_second: events scored per second when they were scored.
        peak_memory: largest resident size of the process that scored them, bytes.
    """

    native: Floats
    matched: Floats
    tokens_per_second: float
    peak_memory: int


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
    def of(cls, folder: Path, model: Path, environment: Mapping[str, str | int]) -> ScoreCache:
        """The cache of a saved model.

        Args:
            folder: where scores are kept.
            model: the model's folder; its manifest holds a checksum of each of its files.
            environment: versions of all that computes, and the number of threads.

        Raises:
            InputError: the model's folder is no such folder, or is damaged.
        """
        check_folder(model)
        return cls(folder, digest([FORMAT, read_json(model / MANIFEST), dict(environment)]))

    def key(self, encoded: EncodedCorpus, split: SplitName, window: int | None, stride: int | None) -> str:
        """The name under which the scores of a split are kept."""
        text = [encoded.corpus.hash, encoded.tokenizer.fingerprint, split]
        return digest([self.model, text, window, stride])

    def get(self, key: str, events: int) -> Scored | None:
        """What is kept under a name; `None` where nothing is, or where it is damaged."""
        path = self.folder / key
        try:
            check_folder(path)
            facts = read_json(path / "facts.json")
            with np.load(path / "scores.npz", allow_pickle=False) as arrays:
                native = arrays["native"]
                matched = arrays["matched"] if "matched" in arrays else native
        except (InputError, OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        if len(native) != events or len(matched) != events:
            return None
        return Scored(native, matched, float(facts["tokens_per_second"]), int(facts["peak_memory"]))

    def put(self, key: str, scored: Scored) -> None:
        """Keep scores under a name, whole or not at all; what stood there is replaced."""
        arrays = {"native": scored.native}
        if scored.matched is not scored.native:
            arrays["matched"] = scored.matched
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        with new_folder(self.folder / key, replace=True) as temporary:
            write_bytes(temporary / "scores.npz", buffer.getvalue())
            facts = {"tokens_per_second": scored.tokens_per_second, "peak_memory": scored.peak_memory}
            write_json(temporary / "facts.json", facts)
