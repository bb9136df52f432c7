"""Sums of slices over resampled units: means, shares and paired gains with their intervals.

Knows arrays only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lmcompare.evaluation.resampling import bootstrap_sums, interval
from lmcompare.evaluation.units import Units
from lmcompare.interface import Floats, Ids

Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Sums:
    """Of each slice, over the whole text and over each resample of it.

    Attributes:
        size: events, or bytes, `[1 + resamples, slices]`; the first row is the text itself.
        events: `[1 + resamples, slices]`.
        nats: by model, `[1 + resamples, slices, models]`.
    """

    size: Floats
    events: Floats
    nats: Floats

    def bits(self, slice_: int, model: int) -> tuple[float, Bounds]:
        """Mean bits of a slice."""
        return estimate(self.nats[:, slice_, model] / math.log(2), self.size[:, slice_])

    def share_events(self, slice_: int) -> tuple[float, Bounds]:
        """The slice's share of all events."""
        return estimate(self.events[:, slice_], self.events.sum(axis=1))

    def share_bits(self, slice_: int, model: int) -> tuple[float, Bounds]:
        """The slice's share of all bits that a model needs."""
        return estimate(self.nats[:, slice_, model], self.nats[:, :, model].sum(axis=1))

    def gain(self, slice_: int, model: int, reference: int) -> tuple[float, Bounds]:
        """By how many bits the model's mean lies below the reference's."""
        saved = self.nats[:, slice_, reference] - self.nats[:, slice_, model]
        return estimate(saved / math.log(2), self.size[:, slice_])


def sums(
    units: Units,
    slicings: list[tuple[Ids, int]],
    nats: list[Floats],
    kept: np.ndarray,
    sizes: Ids | None,
    resamples: int,
    seed: int,
) -> list[Sums]:
    """Sums of every slicing.

    Args:
        units: what is redrawn.
        slicings: the slice of each event, `[events]`, and how many slices there are.
        nats: surprisal of each event, one array `[events]` a model.
        kept: which events count, `[events]`.
        sizes: bytes of each event, `[events]`; `None`: bits are spread over events.
        resamples: samples of the bootstrap.
        seed: of the bootstrap.
    """
    owners = units.of_event[kept]
    weights = [
        None,
        *([] if sizes is None else [sizes[kept].astype(np.float64)]),
        *(each[kept] for each in nats),
    ]
    tables = []
    for labels, number in slicings:
        cell = owners * number + labels[kept]
        for weight in weights:
            table = np.bincount(cell, weights=weight, minlength=units.count * number)
            tables.append(table.reshape(units.count, number).astype(np.float64))
    whole = np.concatenate(tables, axis=1)
    drawn = bootstrap_sums(whole, resamples, seed)
    every = np.concatenate([whole.sum(axis=0)[None], drawn])
    found, place = [], 0
    for _, number in slicings:
        width = number * len(weights)
        block = every[:, place : place + width].reshape(-1, len(weights), number)
        place += width
        own = 1 + (sizes is not None)
        found.append(Sums(block[:, own - 1], block[:, 0], block[:, own:].transpose(0, 2, 1)))
    return found


def estimate(above: Floats, below: Floats) -> tuple[float, Bounds]:
    """A ratio of sums with its 95 % interval; the first row is the text, the others its resamples."""
    drawn = below[1:] > 0
    ratios = above[1:][drawn] / below[1:][drawn]
    value = float(above[0] / below[0]) if below[0] > 0 else math.nan
    return value, interval(ratios) if len(ratios) else (value, value)
