"""Keys and values of what a transformer has read, in room that is taken once.

Knows nothing of attention. Rows may have read different numbers of tokens; a row's places are filled
from the left. What lies beyond its length is given no weight; it is 0 at first, because no weight times
what memory happened to hold may still be no number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lmcompare.interface import Ids
from lmcompare.models.neural.placement import placed


@dataclass
class Cache:
    """The places that can still be seen.

    Attributes:
        keys: `[layers, batch, heads, room, head]`; the first `lengths[row]` places of a row are filled.
        values: of the same shape.
        lengths: filled places of each row, `[batch]`.
        positions: number of the next place in its text, `[batch]`; `lengths` and what was dropped.
    """

    keys: Tensor
    values: Tensor
    lengths: Ids
    positions: Ids

    @property
    def room(self) -> int:
        """Places that a row can hold."""
        return self.keys.shape[3]

    @property
    def even(self) -> bool:
        """Whether all rows hold equally many places."""
        return bool((self.lengths == self.lengths[:1]).all())

    def rows(self, index: Ids) -> Cache:
        """Copies of chosen rows, as `State.rows`; room that no chosen row has filled is not copied."""
        chosen = placed(index, self.keys.device)
        filled = int(self.lengths[index].max(initial=0))
        copies = []
        for whole in (self.keys, self.values):
            copies.append(whole.new_zeros((len(whole), len(index), *whole.shape[2:])))
            copies[-1][:, :, :, :filled] = whole[:, :, :, :filled].index_select(1, chosen)
        return Cache(copies[0], copies[1], self.lengths[index], self.positions[index])

    def put(self, index: Ids, other: Cache) -> None:
        """Overwrite rows by those of another cache."""
        chosen, filled = placed(index, self.keys.device), int(other.lengths.max(initial=0))
        for mine, new in ((self.keys, other.keys), (self.values, other.values)):
            mine[:, chosen, :, :filled] = new[:, :, :, :filled]
        self.lengths, self.positions = self.lengths.copy(), self.positions.copy()
        self.lengths[index], self.positions[index] = other.lengths, other.positions

    def add(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write what is read now after what was read before; all that can be seen, up to the longest row.

        Args:
            layer: of which layer.
            keys: `[batch, heads, time, head]`; where rows hold unequally many places `time` must be 1.
            values: of the same shape.
        """
        time = keys.shape[2]
        end = int(self.lengths.max()) + time
        if self.even:
            self.keys[layer][:, :, end - time : end] = keys
            self.values[layer][:, :, end - time : end] = values
        else:
            rows = torch.arange(len(keys), device=keys.device)
            places = placed(self.lengths, keys.device)
            self.keys[layer][rows, :, places] = keys[:, :, 0]
            self.values[layer][rows, :, places] = values[:, :, 0]
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]

    def advance(self, time: int) -> None:
        """All layers have been given `time` new places."""
        self.lengths = self.lengths + time
        self.positions = self.positions + time

    def keep_last(self, places: int, coming: int) -> None:
        """Where a row has no room for `coming` places more, drop all of its places but the last `places`.

        All rows for which this is so must hold equally many; so it is with `coming` of 1, or with even rows.
        """
        full = np.flatnonzero(self.lengths + coming > self.room)
        if not len(full) or (length := int(self.lengths[full[0]])) <= places:
            return
        rows = placed(full, self.keys.device)
        for whole in (self.keys, self.values):
            whole[:, rows, :, :places] = whole[:, rows, :, length - places : length]
        self.lengths = self.lengths.copy()
        self.lengths[full] = places
