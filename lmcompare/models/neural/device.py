"""Which device networks are on: asked for by name, found, and in force for a block of code.

Knows nothing of networks, and imports torch only where there may be a GPU. The device is a matter of the
machine and not of a model, like the number of threads; a model that was trained on one is read on any.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

from lmcompare.errors import InputError

if TYPE_CHECKING:
    import torch

DeviceName = Literal["auto", "cpu", "cuda"]
"""What may be asked for; "auto" is a GPU of CUDA where torch sees one, else the processor."""
WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""Without it cuBLAS shares its memory between streams, and the same product may have other bits."""
_here: ContextVar[Literal["cpu", "cuda"]] = ContextVar("device", default="cpu")


def resolve(name: str, where: str = "device") -> Literal["cpu", "cuda"]:
    """The device that a name stands for on this machine.

    Args:
        name: see `DeviceName`.
        where: it was asked for, for the error.

    Raises:
        InputError: "cuda" where torch sees no GPU.
    """
    if name == "cpu" or (name == "auto" and not _has_driver()):
        return "cpu"
    if not _torch_sees_one():
        if name == "auto":
            return "cpu"
        what = "cuda needs a GPU, and torch sees none on this machine"
        remedy = (
            "Ask for the processor (--set device=cpu in an experiment, else --device cpu); it takes longer"
        )
        raise InputError(what, where=where, remedy=remedy)
    os.environ.setdefault(WORKSPACE, ":4096:8")  # read when the first product is made
    return "cuda"


def gpu(device: str) -> str | None:
    """What the maker calls the GPU, where a device (of `resolve`) is one; else `None`."""
    if device != "cuda":
        return None
    import torch

    return str(torch.cuda.get_device_name())


def here() -> torch.device:
    """The device that is in force: where networks are put when they are read."""
    import torch

    return torch.device(_here.get())


@contextlib.contextmanager
def on(device: Literal["cpu", "cuda"]) -> Iterator[None]:
    """In the block networks are read onto a device; `resolve` says which there is.

    On a GPU float32 is float32 (no TF32), and algorithms are taken that give the same bits each time.
    """
    token = _here.set(device)
    try:
        with contextlib.nullcontext() if device == "cpu" else _exactly():
            yield
    finally:
        _here.reset(token)


@contextlib.contextmanager
def _exactly() -> Iterator[None]:
    """Torch's switches for its GPU products, as they were before after the block."""
    import torch

    parts: list[Any] = [torch.backends.cuda.matmul, torch.backends.cudnn, torch.backends.cudnn.rnn]
    before = [part.fp32_precision for part in parts]
    same = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        for part in parts:
            part.fp32_precision = "ieee"
        # What has no such algorithm warns: a training is not to end for it.
        torch.use_deterministic_algorithms(True, warn_only=True)
        with warnings.catch_warnings():
            # A layer's weights are tensors of their own, so that some can be dropped.
            warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous")
            yield
    finally:
        torch.use_deterministic_algorithms(same, warn_only=warns)
        for part, precision in zip(parts, before, strict=True):
            part.fp32_precision = precision


@functools.cache
def _has_driver() -> bool:
    """Whether there is a driver for CUDA at all: asked before torch, which takes seconds to import."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


@functools.cache
def _torch_sees_one() -> bool:
    import torch

    return bool(torch.cuda.is_available())
