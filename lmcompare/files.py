"""Files that are whole or absent: atomic files and folders, hashes, model folders.

No pickle: weights are safetensors, everything else is JSON. Knows nothing of what a model is beyond
"a kind, a configuration, arrays, a tokenizer".
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from lmcompare.errors import InputError

MODEL_FORMAT = 1
MANIFEST = "manifest.json"


def home() -> Path:
    """Where corpora and encoded corpora are kept: `$LMCOMPARE_HOME`, else the user's cache folder."""
    return Path(os.environ.get("LMCOMPARE_HOME") or platformdirs.user_cache_dir("lmcompare"))


def shipped(name: str) -> Path:
    """The folder `corpora` or `reports` that came with lmcompare: of the checkout, else of the wheel."""
    package = Path(__file__).resolve().parent
    checkout = package.parent / name
    return checkout if (package.parent / "pyproject.toml").exists() else package / "_shipped" / name


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: object) -> str:
    """Hex digest (16 digits) of anything JSON can hold; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_text(path: Path, text: str) -> None:
    """Replace a file by new text, whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file by new bytes, whole or not at all."""
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_json(path: Path, value: object) -> None:
    """Replace a file by JSON, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def read_json(path: Path) -> Any:
    """The JSON of a file; raises `InputError` that names the file and the line."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("the file is missing", where=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("the file is not UTF-8 text", where=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror or error}", where=str(path)) from None
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", where=f"{path}, line {error.lineno}") from None
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, thousands of brackets
        raise InputError(f"not JSON that can be read: {error}", where=str(path)) from None


@contextlib.contextmanager
def explain_os_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a missing permission into one sentence with the place and the remedy."""
    try:
        yield
    except OSError as error:
        # numpy tells of an array that was written in part, and not why: the disk is full.
        full = error.errno in (None, errno.ENOSPC, errno.EDQUOT)
        remedy = "Free some space and run again" if full else "Mend that and run again"
        raise InputError(
            f"cannot write: {error.strerror or error}", where=str(path), remedy=remedy
        ) from error


@contextlib.contextmanager
def new_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A folder that appears under its name only when the block ends well.

    Yields a temporary folder beside it. On the way out a manifest with the size and sha256 of every
    file is added, all is flushed to the disk, and the folder is renamed. A kill leaves at most a
    folder whose name starts with ".tmp-", which the next call removes.
    """
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not replace:
            raise InputError("the folder exists already", where=str(path), remedy="Remove it or name another")
        temporary = path.parent / f".tmp-{path.name}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            yield temporary
            found = [file for file in sorted(temporary.rglob("*")) if file.is_file()]
            with ThreadPoolExecutor(1) as other:  # the disk writes while the processor hashes
                flushed = other.map(_flush, found)
                manifest = {
                    str(file.relative_to(temporary)): {"bytes": file.stat().st_size, "sha256": sha256(file)}
                    for file in found
                }
                list(flushed)  # raises what went wrong
            write_json(temporary / MANIFEST, manifest)
            if path.exists():
                shutil.rmtree(path)
            os.replace(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def _flush(file: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def check_folder(path: Path) -> None:
    """Raise `InputError` unless every file that the folder's manifest names is there and unharmed."""
    if not path.is_dir():
        raise InputError("there is no such folder", where=str(path))
    remedy = "Train or copy the model again"
    for name, expected in _manifest(path, remedy).items():
        file = path / name
        if not file.is_file():
            raise InputError(f"the file {name} is missing", where=str(path), remedy=remedy)
        if file.stat().st_size != expected["bytes"]:
            size = file.stat().st_size
            what = (
                f"the file {name} has {size:,} bytes, not {expected['bytes']:,}: it is truncated or changed"
            )
            raise InputError(what, where=str(path), remedy=remedy)
        if sha256(file) != expected["sha256"]:
            raise InputError(f"the file {name} is damaged: wrong checksum", where=str(path), remedy=remedy)


def _manifest(path: Path, remedy: str) -> dict[str, dict[str, Any]]:
    manifest = read_json(path / MANIFEST)
    entries = list(manifest.values()) if isinstance(manifest, dict) else []
    if not entries or not all(
        isinstance(entry, dict) and {"bytes", "sha256"} <= set(entry) for entry in entries
    ):
        raise InputError(f"{MANIFEST} is damaged", where=str(path), remedy=remedy)
    return dict(manifest)


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What a model folder holds: its kind, its configuration, its arrays, its tokenizer as JSON."""

    kind: str
    config: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    tokenizer: dict[str, Any]


def save_model(
    folder: Path,
    kind: str,
    config: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    tokenizer: Mapping[str, Any],
    copies: Mapping[str, Path] | None = None,
) -> None:
    """Write a model folder: `model.json`, `weights.safetensors`, `tokenizer.json`, `manifest.json`.

    `copies` names files of another tool's format that belong to the model, by their name in the folder.
    """
    with new_folder(folder) as temporary:
        write_json(temporary / "model.json", {"format": MODEL_FORMAT, "kind": kind, "config": dict(config)})
        write_json(temporary / "tokenizer.json", dict(tokenizer))
        try:
            save_file(
                {k: np.ascontiguousarray(v) for k, v in arrays.items()}, temporary / "weights.safetensors"
            )
        except SafetensorError as error:  # It wraps the system's own error, a full disk among them.
            remedy = "Free some space and run again"
            raise InputError(f"cannot write the weights: {error}", where=str(folder), remedy=remedy) from None
        for name, source in (copies or {}).items():
            shutil.copyfile(source, temporary / name)


def model_kind(folder: Path) -> str:
    """The registry name of the family that wrote a model folder."""
    if not (folder / "model.json").is_file():
        raise InputError("not a model folder: model.json is missing", where=str(folder))
    description = read_json(folder / "model.json")
    if not isinstance(description, dict) or not isinstance(description.get("kind"), str):
        raise InputError("model.json names no kind of model", where=str(folder))
    return str(description["kind"])


def load_model(folder: Path, kind: str) -> ModelFolder:
    """Read and verify a model folder; raises `InputError` naming the missing or damaged file."""
    found = model_kind(folder)
    check_folder(folder)
    description = read_json(folder / "model.json")
    if found != kind:
        raise InputError(f"this is a {found!r} model, not {kind!r}", where=str(folder))
    if description.get("format") != MODEL_FORMAT or not isinstance(description.get("config"), dict):
        what = f"model format {description.get('format')} is not known (this version reads {MODEL_FORMAT})"
        raise InputError(what, where=str(folder))
    try:
        with safe_open(folder / "weights.safetensors", framework="numpy") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(f"weights.safetensors cannot be read: {error}", where=str(folder)) from None
    return ModelFolder(kind, description["config"], arrays, read_json(folder / "tokenizer.json"))
