"""Paired differences between models: how large, how sure, and corrected for how many were looked at.

Models are paired on the same units of text (documents, or sentences). Intervals are bootstrapped over
units (percentile and BCa) and, where models were trained with several seeds, over seeds as well. p is
that of a two-sided sign-flip permutation test: if two models were alike, each unit's difference could as
well have had the other sign. Wilcoxon's signed ranks ask the same of units that count alike. Covered:
chance in the choice of test text; in the interval over seeds, chance in training too. Not covered:
chance in training by the tests, and texts of another kind by anything.

Impossible events. One event of probability zero makes a sum infinite, and infinity minus infinity
means nothing. Here each impossible event has the same surprisal L in both models, and L goes to
infinity: models with the same number of impossible events are compared by their other events, with
different numbers the difference is infinite, and the tests decide first by the number of impossible
events and then by the rest. No number is invented, and none is lost. What needs a variance (the
detectable difference, the interval over seeds) is not given where a pair has such events.
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
from lmcompare.evaluation.significance.holm import holm
from lmcompare.evaluation.significance.intervals import Chance, bca, detectable, over_seeds, seed_draws
from lmcompare.evaluation.significance.rank_test import wilcoxon
from lmcompare.evaluation.units import Units
from lmcompare.interface import Floats

TIE = 1e-10
"""Sums that differ by less than this share of all that is added up differ by rounding only."""


@dataclass(frozen=True, slots=True)
class Paired:
    """One model on the units that all models share.

    Attributes:
        units: the pieces of text; the same in number, name and bytes for all models.
        finite: nats of each unit's possible events, `[seeds, units]`.
        impossible: events of probability zero of each unit, `[seeds, units]`.
        fingerprint: of the event space; only equal ones are compared per token.
        seeded: whether its training draws at random, so that one seed tells nothing of another.
    """

    units: Units
    finite: Floats
    impossible: Floats
    fingerprint: str
    seeded: bool = True

    @property
    def known(self) -> bool:
        """Whether it is known how much another seed would change."""
        return len(self.finite) > 1 or not self.seeded


def differences(
    models: Mapping[str, Paired],
    *,
    split: SplitName,
    policy: PolicyName,
    pairs: Sequence[tuple[str, str]] | None = None,
    resamples: int = 10_000,
    seed: int = 0,
) -> list[PairedDifference]:
    """Every pair of models: difference, 95 % intervals, p, and p after Holm's correction over the pairs.

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
    needed = {name: models[name] for name in dict.fromkeys(itertools.chain(*pairs))}
    samples = _Samples(needed, resamples, seed)
    found = [_pair(a, b, needed, samples, len(pairs), split, policy) for a, b in pairs]
    corrected = holm([one.p for one in found])
    return [one.model_copy(update={"p_holm": p}) for one, p in zip(found, corrected, strict=True)]


class _Samples:
    """All resampled sums, drawn once for all models: a pair's are the differences of its models'.

    Attributes:
        nats: of the mean over seeds, `[resamples]` a model; less the mean of all models, which no difference
            shows and which would cost digits.
        with_seeds: the same with seeds drawn too.
        impossible: events of probability zero, `[resamples]` a model.
        flipped: nats and impossible events under random signs, `[resamples]` each, a model.
        bytes: `[resamples]`.
        events: `[resamples]` a fingerprint.
    """

    def __init__(self, models: Mapping[str, Paired], resamples: int, seed: int) -> None:
        names = list(models)
        units = models[names[0]].units
        seeds = np.array([len(models[name].finite) for name in names])
        nats = np.concatenate([models[name].finite for name in names])
        nats = nats - nats.mean(axis=0)
        means = np.add.reduceat(nats, np.cumsum(seeds) - seeds, axis=0) / seeds[:, None]
        zeros = {name: models[name].impossible.mean(axis=0) for name in names}
        zeros = {name: column for name, column in zeros.items() if column.any()}
        events = {model.fingerprint: model.units.events for model in models.values()}
        columns = np.stack([units.bytes, *events.values(), *zeros.values()])
        drawn = bootstrap_sums(np.concatenate([nats, columns]).T.astype(np.float64), resamples, seed).T
        flipped = sign_flip_sums(
            np.concatenate([means, *(c[None] for c in zeros.values())]).T, resamples, seed
        )
        random = np.random.default_rng([seed, 2])
        nothing = np.zeros(resamples)
        ends = np.cumsum(seeds)
        rows = [drawn[end - number : end] for end, number in zip(ends, seeds, strict=True)]
        rest = iter(drawn[ends[-1] :])
        self.nats = {name: row.mean(axis=0) for name, row in zip(names, rows, strict=True)}
        self.with_seeds = {
            name: np.einsum("rs,sr->r", seed_draws(len(row), resamples, random), row)
            for name, row in zip(names, rows, strict=True)
        }
        self.bytes = next(rest)
        self.events = {fingerprint: next(rest) for fingerprint in events}
        self.impossible = dict.fromkeys(names, nothing) | {name: next(rest) for name in zeros}
        flips = iter(flipped.T)
        self.flipped_nats = {name: next(flips) for name in names}
        self.flipped_impossible = dict.fromkeys(names, nothing) | {name: next(flips) for name in zeros}


def _pair(
    a: str,
    b: str,
    models: Mapping[str, Paired],
    samples: _Samples,
    tests: int,
    split: SplitName,
    policy: PolicyName,
) -> PairedDifference:
    one, other, units = models[a], models[b], models[a].units
    same = one.fingerprint == other.fingerprint
    nats = one.finite.mean(axis=0) - other.finite.mean(axis=0)
    zeros = one.impossible.mean(axis=0) - other.impossible.mean(axis=0)
    tie = TIE * float(np.abs(one.finite).mean(axis=0).sum() + np.abs(other.finite).mean(axis=0).sum())
    size = units.events if same else units.bytes
    whole = float(size.sum())

    def per_size(change: Floats, impossible: Floats, size: Floats) -> Floats:
        return _ratio(np.where(np.abs(change) <= tie, 0.0, change), impossible, size)

    def total(size: float) -> float:
        return float(_ratio(nats.sum(), zeros.sum(), np.array(size)))

    value = total(whole)
    drawn = samples.events[one.fingerprint] if same else samples.bytes
    drawn_zeros = samples.impossible[a] - samples.impossible[b]
    of_texts = per_size(samples.nats[a] - samples.nats[b], drawn_zeros, drawn)
    ci95 = interval(of_texts)
    without = per_size(nats.sum() - nats, zeros.sum() - zeros, whole - size)
    sd_texts = sd_seeds = seeds95 = None
    if not one.impossible.any() and not other.impossible.any():
        sd_texts = float(of_texts.std())
        if one.known and other.known:
            chances = [Chance(sd_texts**2, max(1, units.count - 1)), *_of_seeds((one, other), whole)]
            sd_seeds = math.sqrt(sum(chance.variance for chance in chances[1:]))
            both = per_size(samples.with_seeds[a] - samples.with_seeds[b], drawn_zeros, drawn)
            seeds95 = over_seeds(both, value, chances) if sd_seeds > 0 else ci95
    return PairedDifference(
        a=a,
        b=b,
        split=split,
        policy=policy,
        delta_bits_per_token=value if same else None,
        delta_bits_per_byte=total(float(units.bytes.sum())),
        ci95=ci95,
        bca95=bca(of_texts, value, without),
        seeds95=seeds95,
        sd_texts=sd_texts,
        sd_seeds=sd_seeds,
        p=_two_sided(
            samples.flipped_nats[a] - samples.flipped_nats[b],
            samples.flipped_impossible[a] - samples.flipped_impossible[b],
            nats.sum(),
            zeros.sum(),
            tie,
        ),
        p_holm=1.0,
        p_wilcoxon=wilcoxon(
            np.where(np.abs(nats) <= tie, 0.0, nats) / np.maximum(size, 1), zeros / np.maximum(size, 1)
        ),
        detectable=None if sd_texts is None else detectable(sd_texts, tests),
        unit=units.name,
        units=units.count,
    )


def _of_seeds(models: Sequence[Paired], size: float) -> list[Chance]:
    """The variance that the seeds of each model add to a difference of means over seeds, in bits squared."""
    found = []
    for model in models:
        seeds = len(model.finite)
        if seeds > 1:
            values = model.finite.sum(axis=1) / math.log(2) / size
            found.append(Chance(float(values.var(ddof=1)) / seeds, seeds - 1))
    return found


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
