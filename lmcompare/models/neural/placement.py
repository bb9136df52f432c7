"""Arrays to a device and back: numpy at the seam, tensors where the network is.

Knows nothing of networks. On the processor nothing is copied.
"""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

CPU = torch.device("cpu")


def placed(array: NDArray[Any], device: torch.device) -> Tensor:
    """An array as a tensor on a device; on the processor it shares its memory."""
    tensor = torch.from_numpy(array)
    return tensor if device == CPU else tensor.to(device)


def array_of(tensor: Tensor) -> NDArray[Any]:
    """A tensor as an array; one on the processor shares its memory."""
    array: NDArray[Any] = tensor.detach().cpu().numpy()
    return array


def is_processor(device: torch.device) -> bool:
    """Whether compiled loops and blocks that fit the processor's cache are of use."""
    return device.type == "cpu"


def wait_for(device: torch.device) -> None:
    """Return when the device has done all that it was given: what is timed must be finished."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
