"""A device that is not there: tensors that say they are elsewhere, with their values on the processor.

An operation on tensors of both places is refused as CUDA refuses it (numbers, which have no dimensions, and
indices may come from the processor), and so is making an array of one. What is computed is what the processor
computes, so a training elsewhere can be compared with one here. Not covered: kernels of a real GPU, their
speed and rounding, and what they cannot do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

DEVICE = torch.device("meta")
"""A name that torch knows: its own tensors of that device have no values, these do. (But what `torch.tensor`
makes of a list there, no one is asked about, and it has no values.)"""
ATEN = torch.ops.aten
MOVES = {ATEN._to_copy.default, ATEN.copy_.default}
INDEXED = {ATEN.index.Tensor, ATEN.index_put_.default, ATEN.index_put.default, ATEN._index_put_impl_.default}


class Elsewhere(torch.Tensor):
    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Elsewhere:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
        )
        made.inner = inner
        return made

    @property
    def data(self) -> torch.Tensor:
        return self.detach()

    @data.setter
    def data(self, new: torch.Tensor) -> None:
        self.inner = new.inner

    def __repr__(self, **_: Any) -> str:
        return f"Elsewhere({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(function, args, kwargs or {})


class Mode(TorchDispatchMode):
    """Sees also what makes a tensor on the device, or moves one there."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(function, args, kwargs or {})


def compute(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [each for each in tree_iter((args, kwargs)) if isinstance(each, torch.Tensor)]
    away = any(isinstance(each, Elsewhere) for each in tensors)
    asked = kwargs.get("device")
    if away and function not in MOVES:
        checked = [args[0], *args[2:]] if function in INDEXED else (args, kwargs)
        for each in tree_iter(checked):
            if isinstance(each, torch.Tensor) and not isinstance(each, Elsewhere) and each.ndim:
                raise RuntimeError(f"Expected all tensors to be on the same device: {function}")
    if not away and any(isinstance(each, torch.Tensor) for each in tensors) and asked is None:
        return function(*args, **kwargs)
    there = away if asked is None else torch.device(asked) == DEVICE
    if function is ATEN.copy_.default:
        there = isinstance(args[0], Elsewhere)
    if asked is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    inner = tree_map(lambda each: each.inner if isinstance(each, Elsewhere) else each, (args, kwargs))
    if function is ATEN._to_copy.default and asked is not None and there != away:
        # A real device has its own memory.
        result = function(*inner[0], **inner[1]).clone()
    else:
        result = function(*inner[0], **inner[1])
    if function is ATEN.transpose_.default and away:
        with no_dispatch():  # turns what the outer tensor tells of itself too
            function(*args, **kwargs)
    if function._schema.is_mutable and isinstance(result, torch.Tensor):
        return args[0]
    if not there:
        return result
    return tree_map(lambda each: Elsewhere(each) if isinstance(each, torch.Tensor) else each, result)


@contextmanager
def elsewhere() -> Iterator[torch.device]:
    """In the block tensors may be made on `DEVICE`."""
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    scoring = torch.inference_mode
    kept = scoring.__enter__, scoring.__exit__
    # Tensors of Python cannot be made without a count of their changes, which that mode saves.
    scoring.__enter__ = _enter  # type: ignore[method-assign]
    scoring.__exit__ = _leave  # type: ignore[method-assign]
    try:
        with Mode():
            yield DEVICE
    finally:
        scoring.__enter__, scoring.__exit__ = kept  # type: ignore[method-assign]
        torch.__future__.set_swap_module_params_on_conversion(before)


def _enter(self: Any) -> None:
    self.instead = torch.no_grad()
    self.instead.__enter__()


def _leave(self: Any, *error: Any) -> None:
    self.instead.__exit__(*error)
