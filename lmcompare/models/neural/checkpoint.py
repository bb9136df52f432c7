"""Checkpoints of one training: whole folders, the last two kept, a damaged one named and passed over.

Knows nothing of networks: a checkpoint is named arrays (safetensors) and a JSON state. The best
weights so far lie in folders of their own, `best-<step>`, to which a checkpoint's state refers.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from lmcompare.errors import InputError
from lmcompare.files import check_folder, new_folder, read_json, write_json

Arrays = dict[str, NDArray[Any]]
KEPT = 2
log = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints in one work folder.

    Args:
        folder: the work folder of the cell.
        identity: what decides the result, by what a person calls it, causes first (another vocabulary makes
            another text); a checkpoint of another training is refused with the first of them that differs.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        self.folder, self.identity = folder, identity
        self.damaged: list[str] = []
        for left in folder.glob(".tmp-*"):
            shutil.rmtree(left, ignore_errors=True)

    def save(self, step: int, arrays: Mapping[str, NDArray[Any]], state: dict[str, Any]) -> None:
        """Write `checkpoint-<step>`, then remove what no kept checkpoint needs.

        Args:
            step: steps done.
            arrays: all tensors of the training.
            state: everything else; `state["best_step"]` names the best weights it refers to, or is `None`.
        """
        with new_folder(self.folder / f"checkpoint-{step}", replace=True) as temporary:
            write_json(temporary / "state.json", {"identity": dict(self.identity), **state})
            _write(temporary, arrays)
        kept = self._steps("checkpoint")[:KEPT]
        needed = {read_json(self._path("checkpoint", k) / "state.json").get("best_step") for k in kept}
        for old in self._steps("checkpoint")[KEPT:]:
            shutil.rmtree(self._path("checkpoint", old))
        for old in self._steps("best"):
            if old not in needed and old < step:
                shutil.rmtree(self._path("best", old))

    def save_best(self, step: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write `best-<step>`: the weights alone."""
        with new_folder(self.folder / f"best-{step}", replace=True) as temporary:
            _write(temporary, arrays)

    def best(self, step: int) -> Arrays:
        """The weights of `best-<step>`; raises `InputError` where they are missing or damaged."""
        return _read(self._path("best", step))

    def latest(self) -> tuple[Arrays, dict[str, Any]] | None:
        """The newest checkpoint that is whole, with its best weights; `None` where there is none.

        A damaged one is removed, named in the log and in `damaged`, and the one before it is used.
        """
        for step in self._steps("checkpoint"):
            path = self._path("checkpoint", step)
            try:
                arrays, state = _read(path), read_json(path / "state.json")
                if state.get("best_step") is not None:
                    self.best(state["best_step"])
            except InputError as error:
                log.warning("%s The checkpoint before it is used.", error)
                self.damaged.append(path.name)
                shutil.rmtree(path, ignore_errors=True)
                continue
            others = [name for name, own in self.identity.items() if state["identity"].get(name) != own]
            if others:
                what = f"the folder holds checkpoints of a training with another {others[0]}"
                raise InputError(what, where=str(self.folder), remedy="Remove the folder or name another")
            return arrays, state
        return None

    def last_name(self) -> str:
        """The name of the newest checkpoint, or "" where there is none."""
        steps = self._steps("checkpoint")
        return f"checkpoint-{steps[0]}" if steps else ""

    def _path(self, what: str, step: int) -> Path:
        return self.folder / f"{what}-{step}"

    def _steps(self, what: str) -> list[int]:
        """Steps of the folders of one sort, newest first."""
        names = (path.name.removeprefix(f"{what}-") for path in self.folder.glob(f"{what}-*"))
        return sorted((int(name) for name in names if name.isdigit()), reverse=True)


def _write(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    # Written by Python, not by safetensors: then a full disk is an OSError like everywhere else.
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    (folder / "arrays.safetensors").write_bytes(save(plain))


def _read(path: Path) -> Arrays:
    check_folder(path)
    try:
        with safe_open(path / "arrays.safetensors", framework="numpy") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"arrays.safetensors cannot be read: {error}", where=str(path)) from None
