"""Sampling rules: what is done to a model's next-token probabilities before a token is drawn.

A rule is a small value that prints as it is written: `temperature(0.8) top_p(0.95)` is what a report
shows and what `parse` reads back; its parts work from left to right. Rules see arrays of
log-probabilities and nothing else: no model, no token, no text. What a rule leaves is a way of
writing, not a model: it is never scored as anybody's perplexity.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids

Filter = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class _Part:
    """One named step with at most one argument."""

    name: str
    argument: float | int | None = None

    def __repr__(self) -> str:
        return f"{self.name}({'' if self.argument is None else self.argument})"


@dataclass(frozen=True, slots=True)
class Rule:
    """Steps from log-probabilities to log-probabilities; `a | b` does `a`, then `b`."""

    parts: tuple[_Part, ...]

    def __repr__(self) -> str:
        return " ".join(map(repr, self.parts))

    def __or__(self, other: Rule) -> Rule:
        return Rule(self.parts + other.parts)

    @property
    def changes_nothing(self) -> bool:
        """Whether what is drawn is the model's own distribution."""
        return all(part == _Part("temperature", 1.0) for part in self.parts)

    def __call__(self, logprobs: Floats) -> Floats:
        """What is left to draw from, float64, up to a constant a row; `-inf` where nothing is.

        Args:
            logprobs: natural log-probabilities, `[batch, size]`, `-inf` allowed; not changed.
        """
        logprobs = np.asarray(logprobs, dtype=np.float64)
        for part in self.parts:
            logprobs = _FILTERS[part.name](logprobs, part.argument)
        return logprobs


def greedy() -> Rule:
    """Always the most probable token; of equals, the one of the lowest id."""
    return Rule((_Part("greedy"),))


def temperature(t: float) -> Rule:
    """p^(1/t), normalised: below 1 the probable grows more probable, 1 changes nothing."""
    if not (math.isfinite(t) and t > 0):
        remedy = "Give a number above 0; for the most probable token always, write greedy()"
        raise InputError(f"the temperature is {t}", where=f"temperature({t})", remedy=remedy)
    return Rule((_Part("temperature", float(t)),))


def top_k(k: int) -> Rule:
    """Only the `k` most probable tokens (Fan, Lewis & Dauphin 2018); of equals, those of the lowest ids."""
    if k != int(k) or k < 1:
        where, remedy = f"top_k({k})", "Give a whole number of tokens, at least 1"
        raise InputError(f"the number of tokens kept is {k}", where=where, remedy=remedy)
    return Rule((_Part("top_k", int(k)),))


def top_p(p: float) -> Rule:
    """Only the nucleus: the fewest most probable tokens that hold `p` together (Holtzman et al. 2020)."""
    if not 0 < p <= 1:
        where, remedy = f"top_p({p})", "Give a number above 0 and at most 1"
        raise InputError(f"the probability kept is {p}", where=where, remedy=remedy)
    return Rule((_Part("top_p", float(p)),))


_MAKERS: dict[str, Callable[..., Rule]] = {
    "greedy": greedy,
    "temperature": temperature,
    "top_k": top_k,
    "top_p": top_p,
}


def parse(text: str) -> Rule:
    """The rule of a text like `"temperature(0.8) top_p(0.95)"`; `InputError` names the faulty part."""
    rule = Rule(())
    for piece in re.findall(r"[^\s(),|]+(?:\s*\([^()]*\)?)?|[^\s,|]", text):
        match = re.fullmatch(r"(\w+)\s*(?:\(\s*([^()]*?)\s*\))?", piece)
        if match is None:
            remedy = "Write parts like temperature(0.8), parted by spaces"
            raise InputError(
                f"{piece!r} is no part of a sampling rule", where=f"rule {text!r}", remedy=remedy
            )
        name, argument = match[1], match[2] or ""
        if name not in _MAKERS:
            near = difflib.get_close_matches(name, _MAKERS, 1)
            remedy = f"Perhaps {near[0]!r} is meant" if near else f"There are {', '.join(_MAKERS)}"
            raise InputError(f"there is no sampling rule {name!r}", where=f"rule {text!r}", remedy=remedy)
        rule = rule | _make(name, argument, where=f"rule {text!r}, {name}")
    if not rule.parts:
        remedy = 'Write "temperature(1.0)" to draw from the model as it is'
        raise InputError("the sampling rule is empty", where=f"rule {text!r}", remedy=remedy)
    return rule


def _make(name: str, argument: str, *, where: str) -> Rule:
    if name == "greedy":
        if argument:
            raise InputError("greedy takes no number", where=where, remedy="Write greedy()")
        return greedy()
    try:
        number = float(argument)
    except ValueError:
        remedy = f"Write a number between the brackets, as in {name}({'40' if name == 'top_k' else '0.9'})"
        raise InputError(f"{argument!r} is not a number", where=where, remedy=remedy) from None
    return _MAKERS[name](int(number) if number.is_integer() and name == "top_k" else number)


def choose(rule: Rule, logprobs: Floats, uniforms: Floats) -> Ids:
    """The token that each row writes: `draw` of what a rule leaves; arguments as there."""
    if rule == greedy() and not np.isnan(logprobs).any() and np.isfinite(logprobs.max(axis=1)).all():
        best: Ids = np.argmax(logprobs, axis=1)
        return best
    return draw(rule(logprobs), uniforms)


def draw(logprobs: Floats, uniforms: Floats) -> Ids:
    """One token a row by inverting the distribution function; a token of probability zero is never drawn.

    Args:
        logprobs: what may be drawn, up to a constant a row, `[batch, size]`.
        uniforms: one number of [0, 1) a row, `[batch]`.
    """
    best = logprobs.max(axis=1, keepdims=True, initial=-np.inf)
    if not np.isfinite(best).all():
        what = "the model gives no token a probability" if not np.isnan(best).any() else "the model gives NaN"
        remedy = "Check the model with `lmcompare laws`"
        raise InputError(what, where="sampling", remedy=remedy)
    cumulative = np.cumsum(np.exp(logprobs - best), axis=1)
    chosen: Ids = np.argmax(cumulative > uniforms[:, None] * cumulative[:, -1:], axis=1)
    return chosen


def _greedy(logprobs: Floats, _: float | None) -> Floats:
    kept = np.full(logprobs.shape, -np.inf)
    rows = np.arange(len(logprobs))
    best = np.argmax(logprobs, axis=1)
    kept[rows, best] = logprobs[rows, best]
    return kept


def _temperature(logprobs: Floats, t: float | None) -> Floats:
    best = logprobs.max(axis=1, keepdims=True, initial=-np.inf)
    # Seen from the best token a tiny temperature sends all others to -inf, and never all of them.
    with np.errstate(over="ignore"):
        scaled: Floats = (logprobs - np.where(np.isfinite(best), best, 0.0)) / (t or 1.0)
    return scaled


def _top_k(logprobs: Floats, k: float | None) -> Floats:
    size = logprobs.shape[1]
    count = min(int(k or size), size)
    least = np.partition(logprobs, size - count, axis=1)[:, size - count]
    return _keep(logprobs, least, np.full(len(logprobs), count))


def _top_p(logprobs: Floats, p: float | None) -> Floats:
    falling = np.sort(logprobs, axis=1)[:, ::-1]
    mass = np.cumsum(np.exp(falling - falling[:, :1]), axis=1)
    # The token that carries the mass to p belongs to the nucleus, so at least one token is kept.
    count = (mass < (p or 1.0) * mass[:, -1:]).sum(axis=1) + 1
    count = np.minimum(count, logprobs.shape[1])
    least = falling[np.arange(len(falling)), count - 1]
    return _keep(logprobs, least, count)


def _keep(logprobs: Floats, least: Floats, count: Ids) -> Floats:
    """Exactly `count` tokens a row: all above `least`, and of those equal to it the lowest ids."""
    above = logprobs > least[:, None]
    equal = logprobs == least[:, None]
    room = count - above.sum(axis=1)
    kept: Floats = np.where(above | (equal & (np.cumsum(equal, axis=1) <= room[:, None])), logprobs, -np.inf)
    return kept


_FILTERS: dict[str, Callable[[Floats, float | None], Floats]] = {
    "greedy": _greedy,
    "temperature": _temperature,
    "top_k": _top_k,
    "top_p": _top_p,
}
