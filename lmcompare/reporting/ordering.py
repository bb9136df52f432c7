"""Which rows stand first and how two of them differ: how the reporting reads a `Results`.

Selects, orients and sums what the evaluation found; every statistic was computed before. Knows
nothing of languages and of renderers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from lmcompare.evaluation.results import (
    ChainStep,
    ModelResult,
    PairedDifference,
    PolicyName,
    Results,
    Scores,
    SplitName,
)

ALPHA = 0.05
MANY = 20
"""More models than this are many: tables show so many at once, figures only the first `LEADING`."""
LEADING = 8
_FLOORS = {"entropy_bits_per_token": "floor", "entropy_bits_per_token_given_topic": "floor_topic"}


@dataclass(frozen=True, slots=True)
class Difference:
    """Model `a` minus model `b`: negative means that `a` needs fewer bits.

    Attributes:
        value: bits per token, or per byte where the event spaces differ (`unit` says which).
        low: lower end of the 95 % interval.
        high: upper end.
        unit: "token" or "byte".
        p: two-sided, paired.
        p_holm: after Holm's correction.
        resampled: "documents" or "sentences", `units` of them.
        units: how many were resampled.
        bca: the interval, bias-corrected and accelerated; `None` where it is not defined.
        seeds: the interval over texts and training seeds; `None` where that is not known.
        sd_texts: standard deviation through the choice of text.
        sd_seeds: standard deviation through the training seeds; `None` where that is not known.
        p_wilcoxon: two-sided, by Wilcoxon's signed ranks.
        detectable: the smallest difference that 80 % of such texts would show.
    """

    a: str
    b: str
    value: float
    low: float
    high: float
    unit: str
    p: float
    p_holm: float
    resampled: str
    units: int
    bca: tuple[float, float] | None = None
    seeds: tuple[float, float] | None = None
    sd_texts: float | None = None
    sd_seeds: float | None = None
    p_wilcoxon: float | None = None
    detectable: float | None = None

    @property
    def finite(self) -> bool:
        """Whether neither model gave probability zero to an event that the other could predict."""
        return all(map(math.isfinite, (self.value, self.low, self.high)))

    @property
    def clear_on_text(self) -> bool:
        """Whether the interval over texts excludes zero and the corrected test agrees."""
        return self.finite and (self.low > 0 or self.high < 0) and self.p_holm < ALPHA

    @property
    def clear(self) -> bool:
        """The same, and the interval over texts and training seeds, where it is known, excludes zero too."""
        return self.clear_on_text and (self.seeds is None or self.seeds[0] > 0 or self.seeds[1] < 0)

    @property
    def percent(self) -> tuple[float, float, float]:
        """By how many percent the perplexity of `a` lies below that of `b`, and the interval's ends.

        Perplexity per token is 2 to the bits per token (per byte likewise), so a difference of d bits
        is a factor of 2^d.
        """
        low, high = sorted((100 * (1 - 2.0**self.low), 100 * (1 - 2.0**self.high)))
        return 100 * (1 - 2.0**self.value), low, high


@dataclass(frozen=True, slots=True)
class ChainTotal:
    """The product of one sentence's factors: its decimal logarithm, its bits, its perplexity."""

    events: int
    log10: float
    bits: float
    perplexity: float


def headline_split(results: Results) -> SplitName:
    """The split that the report is about: `test`, or `valid` where a model was not scored on `test`."""
    return "test" if all("test" in model.splits for model in results.models) else "valid"


def in_order(results: Results) -> list[ModelResult]:
    """The models, best first where a ranking was given, else as the experiment lists them."""
    if results.ranking.refused:
        return list(results.models)
    place = {name: index for index, name in enumerate(results.ranking.order)}
    return sorted(results.models, key=lambda model: place.get(model.name, len(place)))


def is_ranked(results: Results, name: str) -> bool:
    """Whether the ranking was given and holds this model."""
    return not results.ranking.refused and name in results.ranking.order


def scores(results: Results, model: ModelResult, policy: PolicyName | None = None) -> Scores | None:
    """A model's scores on the headline split under a policy (the ranking's, unless given)."""
    return model.splits.get(headline_split(results), {}).get(policy or results.ranking.policy)


def same_event_space(results: Results) -> bool:
    """Whether all models predict the same events, so that perplexities compare token by token."""
    return len({model.tokenizer.fingerprint for model in results.models}) < 2


def difference(
    results: Results, a: str, b: str, policy: PolicyName | None = None, split: SplitName | None = None
) -> Difference | None:
    """`a` minus `b`, whichever way round it was computed; `None` where it was not."""
    wanted = (split or headline_split(results), policy or results.ranking.policy)
    for found in results.comparisons:
        if {found.a, found.b} == {a, b} and (found.split, found.policy) == wanted:
            return _seen_from(found, a)
    return None


def differences(results: Results, policy: PolicyName | None = None) -> list[Difference]:
    """All pairs that were compared on the headline split, the better ranked model as `a`."""
    place = {model.name: index for index, model in enumerate(in_order(results))}
    wanted = (headline_split(results), policy or results.ranking.policy)
    found = [
        _seen_from(one, min(one.a, one.b, key=place.__getitem__))
        for one in results.comparisons
        if (one.split, one.policy) == wanted and {one.a, one.b} <= place.keys()
    ]
    return sorted(found, key=lambda one: (place[one.a], place[one.b]))


def all_compared(results: Results) -> bool:
    """Whether every pair of models was tested; of many models only some are."""
    number = len(results.models)
    return len(differences(results)) >= number * (number - 1) // 2


def alike(results: Results) -> list[list[str]]:
    """Groups of two or more models that cannot be told apart: those that share a letter, best first."""
    shown = results.ranking.letters
    names = [model.name for model in in_order(results) if model.name in shown]
    groups = {letter: "" for name in names for letter in letters_of(shown[name])}
    found = [[name for name in names if letter in letters_of(shown[name])] for letter in groups]
    return [group for group in found if len(group) > 1]


def letters_of(text: str) -> list[str]:
    """The letters of a model one by one: "ab" has two, "a1b1" too."""
    return re.findall(r"[a-z]\d*", text)


def leading(results: Results) -> Results:
    """The first models of many, and the pairs among them, as results of their own; few models as they are.

    What cannot show a hundred models (figures, probability chains) shows these.
    """
    if len(results.models) <= MANY:
        return results
    kept = {model.name for model in in_order(results)[:LEADING]}
    chosen = [model for model in results.models if model.name in kept]
    pairs = [one for one in results.comparisons if {one.a, one.b} <= kept]
    ranking = results.ranking.model_copy(
        update={"order": [name for name in results.ranking.order if name in kept]}
    )
    return results.model_copy(update={"models": chosen, "comparisons": pairs, "ranking": ranking})


def _seen_from(found: PairedDifference, a: str) -> Difference:
    """`a` minus the other one."""
    per_token = found.delta_bits_per_token is not None
    value = found.delta_bits_per_byte if found.delta_bits_per_token is None else found.delta_bits_per_token
    (low, high), bca, seeds = found.ci95, found.bca95, found.seeds95
    b = found.b if a == found.a else found.a
    if a == found.b:
        value, low, high = -value, -high, -low
        bca, seeds = bca and (-bca[1], -bca[0]), seeds and (-seeds[1], -seeds[0])
    return Difference(
        a,
        b,
        value,
        low,
        high,
        "token" if per_token else "byte",
        found.p,
        found.p_holm,
        found.unit,
        found.units,
        bca,
        seeds,
        found.sd_texts,
        found.sd_seeds,
        found.p_wilcoxon,
        found.detectable,
    )


def chain_total(chain: list[ChainStep]) -> ChainTotal:
    """What the factors of one sentence multiply to: sum of logarithms, so that nothing underflows."""
    total = math.fsum(step.logprob for step in chain) if _possible(chain) else -math.inf
    perplexity = math.exp(-total / len(chain)) if chain and math.isfinite(total) else math.inf
    return ChainTotal(len(chain), total / math.log(10), -total / math.log(2) + 0.0, perplexity)


def bits(logprob: float) -> float:
    """Surprisal in bits of a natural log-probability."""
    return -logprob / math.log(2) + 0.0


def entropy_floors(results: Results) -> list[tuple[str, float]]:
    """What no model can beat on average: the corpus's exact entropies in bits per token, the higher first.

    `("floor", h)`: of a sentence whose topic is not known; `("floor_topic", h)`: for a reader who knows it.
    The corpus says what it counts as a token (`tokens`, else a character); models with any other tokenizer
    have no such floor.
    """
    facts = results.corpus.facts
    if {model.tokenizer.kind for model in results.models} != {facts.get("tokens", "char")}:
        return []
    found = ((name, facts.get(fact)) for fact, name in _FLOORS.items())
    return [(name, float(value)) for name, value in found if isinstance(value, float | int)]


def _possible(chain: list[ChainStep]) -> bool:
    return all(step.logprob > -math.inf for step in chain)
