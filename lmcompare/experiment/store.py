"""Where cells are kept: one folder for each (model spec, corpus, seed), filled step by step.

A folder's name holds a digest of all that its content depends on, so a changed option makes a new
cell and a wrong hit cannot happen. Edited code makes a new evaluation, and no new training. Knows nothing of
how a cell is trained or evaluated.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from lmcompare import __version__, registry
from lmcompare.errors import InputError
from lmcompare.evaluation.event_scores import EventScores
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.results import Cell
from lmcompare.evaluation.source_code import code_of
from lmcompare.experiment.spec import Experiment, ModelSpec
from lmcompare.files import check_folder, digest, new_folder, read_json, sha256, write_text
from lmcompare.models.neural import device

PACKAGES = ("numpy", "torch", "tokenizers", "kenlm")


def versions() -> dict[str, str]:
    """Versions of all that may move a number."""
    found = {"lmcompare": __version__, "python": ".".join(map(str, sys.version_info[:3]))}
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@dataclass(frozen=True, slots=True)
class CellFolder:
    """The folder of one cell.

    `work/` holds checkpoints and the learning curve; `model/` the trained model; `evaluation-*/` what
    the harness found with one set of evaluation options. Each appears whole or not at all.
    """

    path: Path
    evaluation: str

    @property
    def key(self) -> str:
        """Digest of all that the trained model depends on."""
        return self.path.name.rpartition("-")[2]

    @property
    def work(self) -> Path:
        """Checkpoints and `curve.jsonl`, kept over kills until the model stands."""
        return self.path / "work"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.path / "model"

    @property
    def found(self) -> Path:
        """What the harness found."""
        return self.path / f"evaluation-{self.evaluation}"

    def trained(self) -> bool:
        """Whether the model stands, whole."""
        return self.model.is_dir() and (self.path / "trained.json").is_file()

    def evaluated(self) -> bool:
        """Whether the evaluation stands, whole; raises `InputError` where it is damaged."""
        if not self.found.is_dir():
            return False
        check_folder(self.found)
        return True

    def write(self, cell: Cell, scores: EventScores) -> None:
        """Keep an evaluation."""
        with new_folder(self.found) as temporary:
            write_text(temporary / "cell.json", cell.model_dump_json(indent=1) + "\n")
            scores.save(temporary / "scores.npz")

    def read(self) -> tuple[Cell, EventScores]:
        """The evaluation that `write` kept."""
        cell = Cell.model_validate(read_json(self.found / "cell.json"))
        return cell, EventScores.load(self.found / "scores.npz")


def start_of(model: ModelSpec, seed: int) -> str:
    """How the folder's name begins, whatever the cell depends on."""
    name = re.sub(r"[^\w.-]+", "-", model.name).strip("-.") or model.kind
    return f"{name}-s{seed}-"


def cell_folder(
    experiment: Experiment,
    model: ModelSpec,
    seed: int,
    corpus_hash: str,
    fingerprint: str,
    text_hash: str | None = None,
    members: Mapping[str, CellFolder] | None = None,
) -> CellFolder:
    """The folder for one model and seed; it may not exist yet.

    Args:
        experiment: that the model belongs to.
        model: what is trained; of the files that its options name, the content counts and not the name.
        seed: of the cell.
        corpus_hash: of the experiment's text.
        fingerprint: of the model's tokenizer.
        text_hash: of the text that is trained on in place of the experiment's.
        members: the cells that the model is made of, by name.
    """
    depends: dict[str, object] = {
        "kind": model.kind,
        "options": _by_content(model.options.model_dump(mode="json"), _hashes(model)),
        "tokenizer": fingerprint,
        "corpus": corpus_hash,
        "seed": seed,
        "threads": experiment.head.threads,
        "versions": versions(),
    }
    # A cell of the processor goes by the name that it had before there was a choice.
    if (gpu := device.gpu(device_of(experiment))) is not None:
        depends["device"] = gpu
    if text_hash is not None:
        depends["text"] = text_hash
    if model.train_sentences is not None:
        depends["train_sentences"] = model.train_sentences
    if members:
        depends["members"] = {name: folder.key for name, folder in members.items()}
    inside = {name: folder.evaluation for name, folder in (members or {}).items()}
    evaluation = digest(_evaluation(experiment.head.evaluation) | {"code": _code(model), "members": inside})
    return CellFolder(experiment.folder / "cells" / f"{start_of(model, seed)}{digest(depends)}", evaluation)


def device_of(experiment: Experiment) -> Literal["cpu", "cuda"]:
    """Where the experiment's networks are on this machine; `InputError` where there is no such device."""
    return device.resolve(experiment.head.device, f"{experiment.path}, device")


def _code(model: ModelSpec) -> dict[str, str]:
    """The code that scores a model. It moves what was found of a model, and never the model that stands."""
    return code_of(_words({**model.options.model_dump(mode="json"), "": model.kind}))


def _words(value: Any) -> set[str]:
    """All texts among options: the kinds of the models inside a model are some of them."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return {word for inner in value for word in _words(inner)}
    return {value} if isinstance(value, str) else set()


def _evaluation(options: EvaluationOptions) -> dict[str, Any]:
    """What an evaluation depends on: its options, and what is in the files that they name."""
    tables = [getattr(options, name) for name in type(options).model_fields]
    named = [file for table in tables if isinstance(table, BaseModel) for file in registry.named_files(table)]
    contents = {str(file): sha256(file) for file in named}
    return {"options": options.model_dump(mode="json"), **({"files": contents} if contents else {})}


def _hashes(model: ModelSpec) -> dict[str, str]:
    """What is in each file that the model's options name, by its name."""
    found = {}
    for file in registry.named_files(model.options):
        try:
            found[str(file)] = sha256(file)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            what = "there is no such file" if missing else f"cannot read: {error.strerror or error}"
            raise InputError(what, where=f"{model.place}, {file}") from None
    return found


def _by_content(value: Any, hashes: Mapping[str, str]) -> Any:
    """Options with the hash of a file where its name stood: another name for the same is no other cell."""
    if isinstance(value, Mapping):
        return {key: _by_content(inner, hashes) for key, inner in value.items()}
    if isinstance(value, list):
        return [_by_content(inner, hashes) for inner in value]
    return hashes.get(str(Path(value)), value) if isinstance(value, str) else value


@contextlib.contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock file `path`: two processes never write one folder. A kill frees it.

    Args:
        path: the lock file; made if absent.
        wait: whether to wait for the holder; if not, `InputError` says that there is one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        if sys.platform == "win32":  # no advisory whole-file lock there that a kill frees at once
            yield
            return
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            remedy = "Wait for it, or stop it"
            raise InputError("another run is at work here", where=str(path.parent), remedy=remedy) from None
        yield
