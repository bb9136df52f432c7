"""The two families of models made of models as the registry knows them: `cache` and `mixture`.

Knows in which order things are fitted: members first, then weights by kind of context, then the rate at
which they move; all on the validation text. Knows nothing of numba until a model is trained or loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from lmcompare import files
from lmcompare.interface import Floats, LanguageModel
from lmcompare.models.mixture.options import CacheOptions, MixtureOptions, describe
from lmcompare.registry import Progress, Training

if TYPE_CHECKING:
    from lmcompare.models.mixture.cache import CacheModel


@dataclass(frozen=True)
class CacheFamily:
    """Remembers what the document has said."""

    name: str = "cache"
    summary: str = "cache: n-grams of the document so far with decay, over another model"
    options: type[BaseModel] = CacheOptions

    def train(self, job: Training) -> CacheModel:
        """See `registry.Family.train`. Decay and trust are fitted on the validation text."""
        from lmcompare.models.mixture.cache import CacheModel, Recall
        from lmcompare.models.mixture.cache_fit import ITERATIONS, fit
        from lmcompare.models.mixture.members import find_member

        options = CacheOptions.model_validate(job.options.model_dump())
        over = None if options.over is None else find_member(job, "over", options.over)
        start = Recall.of_order(options.order, over=over is not None)
        given = options.decay
        decays = given if isinstance(given, list) or given is None else [given] * options.order
        rates = None if decays is None else -np.log(decays)
        model = CacheModel(job.tokenizer, start, over)
        if options.trust == "full":
            nothing = np.zeros(options.order)
            model.recall = Recall(start.rates if rates is None else rates, nothing, nothing)
            return model
        job.progress(
            Progress("fitting the cache", 0, ITERATIONS, "the model below reads the validation text")
        )
        numbers, bounds = model.numbers(job.valid)
        model.recall = fit(
            numbers,
            bounds,
            model.below(job.valid),
            start,
            rates,
            lambda done, loss: job.progress(
                Progress("fitting the cache", done, ITERATIONS, f"valid ppl {np.exp(loss):.1f}")
            ),
        )
        return model

    def load(self, folder: Path) -> CacheModel:
        """See `registry.Family.load`."""
        from lmcompare.models.mixture.cache import CacheModel

        return CacheModel.load(folder)


@dataclass(frozen=True)
class MixtureFamily:
    """Weighs models."""

    name: str = "mixture"
    summary: str = "mixture of models: linear or log-linear, weights by context, adapting"
    options: type[BaseModel] = MixtureOptions

    def train(self, job: Training) -> LanguageModel:
        """See `registry.Family.train`. Named members come with the job; all others are trained here."""
        from lmcompare.models.mixture.log_linear import LogLinearMixture, fit_powers
        from lmcompare.models.mixture.members import find_member

        options = MixtureOptions.model_validate(job.options.model_dump())
        names = [describe(member) for member in options.members]
        members = [
            find_member(job, f"members[{number}]", _as_member(job, options, member))
            for number, member in enumerate(options.members)
        ]
        job.progress(Progress("fitting the weights", 0, 1))
        given = np.array(options.weights, dtype=float) if isinstance(options.weights, list) else None
        if options.rule == "log-linear":
            powers = np.full(len(members), 1 / len(members)) if given is None else given
            powers = fit_powers(members, job.valid, powers) if given is None else powers
            _tell(job, names, powers)
            return LogLinearMixture(job.tokenizer, members, names, powers)
        return _linear(job, options, members, names, given)

    def load(self, folder: Path) -> LanguageModel:
        """See `registry.Family.load`."""
        from lmcompare.models.mixture.linear import LinearMixture
        from lmcompare.models.mixture.log_linear import LogLinearMixture

        if files.load_model(folder, self.name).config.get("rule") == LogLinearMixture.rule:
            return LogLinearMixture.load(folder)
        return LinearMixture.load(folder)


def _linear(
    job: Training,
    options: MixtureOptions,
    members: list[LanguageModel],
    names: list[str],
    given: Floats | None,
) -> LanguageModel:
    from lmcompare.models.mixture import weights
    from lmcompare.models.mixture.adaptation import Adaptation, choose
    from lmcompare.models.mixture.bins import Frequency
    from lmcompare.models.mixture.history import join
    from lmcompare.models.mixture.linear import LinearMixture

    frequency = None
    if "frequency" in options.bins:
        frequency = Frequency.of_text(job.train, job.tokenizer.size, job.tokenizer.bos)
    even = np.full(len(members), 1 / len(members)) if given is None else given / given.sum()
    model = LinearMixture(job.tokenizer, members, names, even[None], options.bins, None, frequency)
    trained = np.tile(even, (model.bins.count, 1))
    bayes = options.adapt == "bayes"
    moving = None if options.rate is None else Adaptation(bayes, options.rate)
    together = even
    if given is None or (options.adapt != "none" and moving is None):
        logprobs, bins = model.member_scores(job.valid), model.bins.events(job.valid)
        if given is None and len(logprobs):
            together = weights.fit(logprobs)
            trained = weights.fit_bins(logprobs, bins, model.bins.count, together)
        if options.adapt != "none" and moving is None:
            moving = choose(bayes, logprobs, bins, join(job.valid)[1], trained)
    _tell(job, names, together)
    return LinearMixture(job.tokenizer, members, names, trained, options.bins, moving, frequency)


def _as_member(job: Training, options: MixtureOptions, member: str | Mapping[str, Any]) -> Any:
    """A cache over nothing is what was seen and nothing else: to be mixed is what it is for."""
    if isinstance(member, str) and (member != "cache" or member in job.members):
        return member
    table = {"kind": member} if isinstance(member, str) else member
    if table["kind"] == "cache" and table.get("over") is None and table.get("trust") is None:
        return {**table, "trust": "full" if options.rule == "linear" else "fit"}
    return table


def _tell(job: Training, names: list[str], weights: Floats) -> None:
    shares = ", ".join(f"{name} {weight:.3f}" for name, weight in zip(names, weights, strict=True))
    job.progress(Progress("fitting the weights", 1, 1, shares))


CACHE = CacheFamily()
MIXTURE = MixtureFamily()
