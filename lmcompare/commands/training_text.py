"""Which text `train` and `count` read, how much of it they use, and what `train` leaves behind for `explain`.

Knows nothing of models: it opens texts, and reads and writes one small record beside a model's files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lmcompare.errors import InputError
from lmcompare.experiment.spec import read_experiment
from lmcompare.files import read_json, write_json
from lmcompare.text.corpus import SPLITS, Corpus
from lmcompare.text.encoded import EncodedCorpus
from lmcompare.text.options import CorpusOptions
from lmcompare.text.recipes import recipe_names
from lmcompare.text.sources import open_corpus, open_whole

RECORD = "corpus.json"
_TOO_SHORT = "corpus.documents"


def open_text(reference: str, whole: bool) -> Corpus:
    """The text that a command names: split as always, or all of it for training.

    Errors: `InputError` as `open_corpus` raises it; of a text too short to split, with what can be done here.
    """
    if whole:
        return open_whole(reference)
    try:
        return open_corpus(reference)
    except InputError as error:
        if error.where != _TOO_SHORT:
            raise
        remedy = "Add --all to use the whole text, or give at least three lines"
        raise InputError(error.what, where=reference, remedy=remedy) from None


def part_used(encoded: EncodedCorpus, verb: str) -> str:
    """One sentence that says how much of a text was used, and how to use all of it."""
    used = len(encoded.train.ids)
    events = sum(len(getattr(encoded, split).ids) for split in SPLITS)
    if used == events:
        return f"{verb} the whole text, {events:,} events"
    part = f"{used:,} of {events:,} events (splits: {encoded.corpus.facts['splits']})"
    return f"{verb} the training part, {part}; --all takes the whole text"


@dataclass(frozen=True, slots=True)
class Origin:
    """The text that a model was trained on.

    Attributes:
        corpus: its name, its path, or the `[corpus]` table of an experiment.
        base: the folder that paths are relative to.
        whole: whether nothing was held out; `None`: not known.
        hash: of the text (`Corpus.hash`); `None`: not known.
    """

    corpus: str | CorpusOptions
    base: Path
    whole: bool | None = None
    hash: str | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        given = self.corpus
        return given if isinstance(given, str) else str(given.name or given.path or given.train)

    def open(self) -> list[Corpus]:
        """The text as it may have been used: its training part, all of it, or both where that is not known.

        Errors: `InputError` where it is not there any more.
        """
        if not isinstance(self.corpus, str) or self.whole is False:
            return [open_corpus(self.corpus, base=self.base)]
        if self.whole:
            return [open_whole(self.corpus, base=self.base)]
        try:
            return [open_corpus(self.corpus, base=self.base), open_whole(self.corpus, base=self.base)]
        except InputError as error:
            if error.where != _TOO_SHORT:
                raise
            return [open_whole(self.corpus, base=self.base)]


def record(folder: Path, reference: str, whole: bool, text: Corpus) -> None:
    """Write beside a model's files where its training text is; a path is kept relative to the folder."""
    path = Path(reference).expanduser()
    is_path = reference not in recipe_names() and path.exists()
    known = {"corpus": reference, "path": os.path.relpath(path, folder) if is_path else None}
    write_json(folder / RECORD, {**known, "whole": whole, "hash": text.hash})


def origin_of(folder: Path) -> Origin | None:
    """The text of a model's record, else that of the experiment whose cell it is; `None`: nobody knows."""
    folder = folder.resolve()
    if (folder / RECORD).is_file():
        found = read_json(folder / RECORD)
        if not isinstance(found, dict) or not isinstance(found.get("corpus"), str):
            raise InputError(f"{RECORD} names no corpus", where=str(folder), remedy="Name it with --corpus")
        path = found.get("path")
        near = isinstance(path, str) and (folder / path).exists()
        given = os.path.normpath(folder / str(path)) if near else found["corpus"]
        return Origin(given, Path(), bool(found.get("whole")), found.get("hash"))
    cell = folder.parent if folder.name == "model" else folder
    experiment = cell.parent.parent / "experiment.toml"
    if cell.parent.name == "cells" and experiment.is_file():
        spec = read_experiment(experiment)
        return Origin(spec.head.corpus, spec.folder)
    return None
