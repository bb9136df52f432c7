"""Paired differences between models: how large, how sure, and corrected for how many were looked at.

Models are paired on the same units of text (documents, or sentences). The interval is a percentile
bootstrap over units, the p-value a two-sided sign-flip permutation test: if two models were alike,
each unit's difference could as well have had the other sign. Covered: chance in the choice of test
text. Not covered: chance in training (see `perplexity_by_seed`), and texts of another kind.

Impossible events. One event of probability zero makes a sum infinite, and infinity minus infinity
means nothing. Here each impossible event has the same surprisal L in both models, and L goes to
infinity: models with the same number of impossible events are compared by their other events, with
different numbers the difference is infinite, and the tests decide first by the number of impossible
events and then by the rest. No number is invented, and none is lost.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lmcompare.errors import InputError
from lmcompare.evaluation.resampling import bootstrap_sums, interval, sign_flip_sums
from lmcompare.evaluation.results import PairedDifference, PolicyName, SplitName
from lmcompare.evaluation.units import Units
from lmcompare.interface import Floats

TIE = 1e-10
"""Sums that differ by less than this share of all that is added up differ by rounding only."""


@dataclass(frozen=True, slots=True)
class Paired:
    """One model on the units that all models share.

    Attributes:
        units: the pieces of text; the same in number, name and bytes for all models.
        finite: nats of each unit's possible events, `[units]`.
        impossible: events of probability zero of each unit, `[units]`.
        fingerprint: of the event space; only equal ones are compared per token.
    """

    units: Units
    finite: Floats
    impossible: Floats
    fingerprint: str


def differences(
    models: Mapping[str, Paired],
    *,
    split: SplitName,
    policy: PolicyName,
    pairs: Sequence[tuple[str, str]] | None = None,
    resamples: int = 10_000,
    seed: int = 0,
) -> list[PairedDifference]:
    """Every pair of models: difference, 95 % interval, p, and p after Holm's correction over the pairs.

    Args:
        models: what each model gave on the same units of the same text.
        split: for the record.
        policy: for the record.
        pairs: which pairs; by default all, in the order of `models`.
        resamples: samples of the bootstrap and sign patterns of the test.
        seed: of both.
    """
    pairs = list(itertools.combinations(models, 2)) if pairs is None else list(pairs)
    if not pairs:
        return []
    _check(models)
    units = next(iter(models.values())).units
    finite = np.stack([models[a].finite - models[b].finite for a, b in pairs], axis=1)
    impossible = np.stack([models[a].impossible - models[b].impossible for a, b in pairs], axis=1)
    spread = np.stack([np.abs(models[a].finite) + np.abs(models[b].finite) for a, b in pairs], axis=1)
    columns = [finite, impossible, units.bytes[:, None], *(m.units.events[:, None] for m in models.values())]
    resampled = bootstrap_sums(np.concatenate(columns, axis=1).astype(np.float64), resamples, seed)
    flipped = sign_flip_sums(np.concatenate([finite, impossible], axis=1), resamples, seed)
    place = {name: 2 * len(pairs) + 1 + i for i, name in enumerate(models)}
    found = []
    for i, (a, b) in enumerate(pairs):
        same = models[a].fingerprint == models[b].fingerprint
        low, high = interval(
            _ratio(
                resampled[:, i],
                resampled[:, len(pairs) + i],
                resampled[:, place[a] if same else 2 * len(pairs)],
            )
        )
        nats, zeros = finite[:, i].sum(), impossible[:, i].sum()
        tie = TIE * float(spread[:, i].sum())
        p = _two_sided(flipped[:, i], flipped[:, len(pairs) + i], nats, zeros, tie)
        per_byte, per_token = _ratio(
            np.array([nats, nats]),
            np.array([zeros, zeros]),
            np.array([units.bytes.sum(), models[a].units.events.sum()]),
        )
        found.append((a, b, float(per_token) if same else None, float(per_byte), (low, high), p))
    corrected = holm([p for *_, p in found])
    return [
        PairedDifference(
            a=a,
            b=b,
            split=split,
            policy=policy,
            delta_bits_per_token=per_token,
            delta_bits_per_byte=per_byte,
            ci95=ci95,
            p=p,
            p_holm=p_holm,
            unit=units.name,
            units=units.count,
        )
        for (a, b, per_token, per_byte, ci95, p), p_holm in zip(found, corrected, strict=True)
    ]


def holm(p: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down correction: the chance of any false alarm among all tests stays below p."""
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(
        np.minimum(1.0, np.asarray(p, dtype=np.float64)[order] * np.arange(len(p), 0, -1))
    )
    return [float(value) for value in corrected]


def _ratio(nats: Floats, impossible: Floats, size: Floats) -> Floats:
    """Bits per token or byte; of the sign of the impossible events where their numbers differ."""
    finite = nats / math.log(2) / np.maximum(size, 1)
    return np.where(np.abs(impossible) > 1e-9, np.copysign(np.inf, impossible), finite)


def _two_sided(
    nats: Floats, impossible: Floats, seen_nats: float, seen_impossible: float, tie: float
) -> float:
    """(1 + patterns at least as far from zero as what was seen) / (1 + patterns), so never zero.

    Phipson & Smyth 2010, "Permutation p-values should never be zero".
    """
    if abs(seen_impossible) < 1e-9:
        further = (np.abs(impossible) > 1e-9) | (np.abs(nats) >= abs(seen_nats) - tie)
    else:
        # Seen from its own side, each pattern is a number of impossible events and the rest.
        rest = nats * np.sign(impossible)
        seen_rest = seen_nats * math.copysign(1, seen_impossible)
        distance = np.abs(impossible) - abs(seen_impossible)
        further = (distance > 1e-9) | ((np.abs(distance) <= 1e-9) & (rest >= seen_rest - tie))
    return float((1 + np.count_nonzero(further)) / (1 + len(nats)))


def _check(models: Mapping[str, Paired]) -> None:
    first_name, first = next(iter(models.items()))
    for name, model in models.items():
        same = model.units.name == first.units.name and np.array_equal(model.units.bytes, first.units.bytes)
        if not same:
            what = f"the models {first_name!r} and {name!r} were not scored on the same text"
            raise InputError(what, remedy="Evaluate both on the same corpus")
