"""Synthetic languages: finite probabilistic grammars whose probabilities and entropy are exact.

A grammar is a set of rules without recursion over characters. Everything is computed by reading a
sentence from left to right while keeping every derivation that is still possible, with its weight:
the deterministic automaton of the language, built as far as it is needed. So a sentence's probability
is the sum over all its derivations, and no rule need be unambiguous. Knows nothing of documents.
"""

from __future__ import annotations

import math
import random
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

from lmcompare.errors import InputError

END: Final = ""  # the event after the last character
_REFERENCE: Final = re.compile(r"\{([^{}]*)\}")
_WEIGHT: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\|\s*")


class Rule(NamedTuple):
    """A reference to a rule inside an alternative."""

    name: str


Symbols = tuple[str | Rule, ...]  # a string is one character
_Beliefs = tuple[tuple[int, float], ...]  # (what is still to come, probability), sums to one


@dataclass(frozen=True, slots=True)
class Entropy:
    """Exact averages over all sentences of a language.

    Attributes:
        bits_per_sentence: entropy of a sentence; its end is part of it.
        tokens_per_sentence: expected characters + 1 for the sentence's end.
    """

    bits_per_sentence: float
    tokens_per_sentence: float

    @property
    def bits_per_token(self) -> float:
        """Entropy rate of independent sentences: the least that a model forgetting at `eos` can need."""
        return self.bits_per_sentence / self.tokens_per_sentence


class Grammar:
    """Rules by name; each is a choice among weighted alternatives.

    Args:
        rules: a string lists alternatives between white space, each "text" or "text:weight"; a list holds
            alternatives that may contain spaces, each "text" or "weight| text". `{name}` refers to a rule.

    Raises:
        InputError: a reference to no rule, a bad weight, or a rule that leads back to itself.
    """

    def __init__(self, rules: Mapping[str, str | Sequence[str]]) -> None:
        self.rules: dict[str, list[tuple[float, Symbols]]] = {
            name: _normalised(name, _alternatives(name, value)) for name, value in rules.items()
        }
        self._limits = {name: list(accumulate(p for p, _ in rule)) for name, rule in self.rules.items()}
        self._refuse_recursion()
        self._ids: dict[Symbols, int] = {}
        self._rests: list[Symbols] = []
        self._heads: dict[int, dict[str, list[tuple[float, int]]]] = {}
        self._steps: dict[_Beliefs, dict[str, tuple[float, _Beliefs]]] = {}
        self._entropies: dict[_Beliefs, tuple[float, float]] = {}

    def sample(self, start: str, source: random.Random) -> str:
        """One sentence. Only `source.random()` is used, which is the same in every Python."""
        characters: list[str] = []
        stack: list[str | Rule] = [Rule(start)]
        while stack:
            symbol = stack.pop()
            if isinstance(symbol, Rule):
                limits = self._limits[symbol.name]
                choice = min(bisect_right(limits, source.random() * limits[-1]), len(limits) - 1)
                stack.extend(reversed(self.rules[symbol.name][choice][1]))
            else:
                characters.append(symbol)
        return "".join(characters)

    def logprobs(self, sentence: str, starts: Mapping[str, float]) -> list[float]:
        """Natural log p of each character and of the end, given what stands before it.

        Args:
            sentence: any text.
            starts: rule -> weight; the sentence comes from one of them, nobody knows which.

        Returns:
            `len(sentence) + 1` values; from the first impossible character on, all are `-inf`.
        """
        found: list[float] = []
        beliefs: _Beliefs = self._begin(starts)
        for character in [*sentence, END]:
            probability, beliefs = self._step(beliefs).get(character, (0.0, ()))
            found.append(math.log(probability) if probability else -math.inf)
        return found

    def entropy(self, starts: Mapping[str, float]) -> Entropy:
        """Exact entropy of one sentence from a mixture of rules (see `logprobs`).

        By the chain rule: H(now) is the sum over next characters c of p(c) (-log2 p(c) + H(after c)).
        """
        return Entropy(*self._entropy(self._begin(starts)))

    def _begin(self, starts: Mapping[str, float]) -> _Beliefs:
        unknown = [name for name in starts if name not in self.rules]
        if unknown or not starts or min(starts.values()) <= 0:
            raise InputError(f"not rules to start from: {dict(starts)}", where="grammar.topics")
        total = sum(starts.values())
        return tuple((self._id((Rule(name),)), weight / total) for name, weight in starts.items())

    def _entropy(self, beliefs: _Beliefs) -> tuple[float, float]:
        """Bits and events from here to the end of the sentence."""
        stack = [beliefs]  # of our own: a sentence may be longer than Python's stack is deep
        while stack:
            now = stack[-1]
            if now in self._entropies:
                stack.pop()
                continue
            steps = self._step(now)
            later = [after for character, (_, after) in steps.items() if character != END]
            waiting = [after for after in later if after not in self._entropies]
            if waiting:
                stack += waiting
                continue
            bits = tokens = 0.0
            for character, (probability, after) in steps.items():
                rest = (0.0, 0.0) if character == END else self._entropies[after]
                bits += probability * (rest[0] - math.log2(probability))
                tokens += probability * (rest[1] + 1)
            self._entropies[now] = bits, tokens
        return self._entropies[beliefs]

    def _step(self, beliefs: _Beliefs) -> dict[str, tuple[float, _Beliefs]]:
        """Next character -> its probability and what is believed after it."""
        if beliefs not in self._steps:
            joint: dict[str, dict[int, float]] = {}
            for rest, weight in beliefs:
                for character, ways in self._head(rest).items():
                    after = joint.setdefault(character, {})
                    for probability, tail in ways:
                        after[tail] = after.get(tail, 0.0) + weight * probability
            steps = {}
            for character, after in joint.items():
                total = math.fsum(after.values())
                # Rounded, so that the same beliefs reached on two ways are one state.
                tails = tuple((tail, round(share / total, 13)) for tail, share in sorted(after.items()))
                steps[character] = total, tails
            self._steps[beliefs] = steps
        return self._steps[beliefs]

    def _head(self, rest: int) -> dict[str, list[tuple[float, int]]]:
        """First character of what is still to come -> the ways to get it: probability and what follows."""
        if rest not in self._heads:
            found: dict[str, list[tuple[float, int]]] = {}
            stack: list[tuple[float, Symbols]] = [(1.0, self._rests[rest])]
            while stack:
                weight, symbols = stack.pop()
                if not symbols:
                    found.setdefault(END, []).append((weight, self._id(())))
                elif isinstance(symbols[0], Rule):
                    alternatives = self.rules[symbols[0].name]
                    stack.extend((weight * p, (*body, *symbols[1:])) for p, body in alternatives)
                else:
                    found.setdefault(symbols[0], []).append((weight, self._id(symbols[1:])))
            self._heads[rest] = found
        return self._heads[rest]

    def _id(self, symbols: Symbols) -> int:
        known = self._ids.get(symbols)
        if known is None:
            known = self._ids[symbols] = len(self._rests)
            self._rests.append(symbols)
        return known

    def _refuse_recursion(self) -> None:
        finished: set[str] = set()

        def visit(name: str, above: tuple[str, ...]) -> None:
            if name in above:
                raise InputError(
                    f"rule leads back to itself: {' -> '.join((*above, name))}", where="grammar.rules"
                )
            if name in finished:
                return
            for _, symbols in self.rules[name]:
                for symbol in symbols:
                    if isinstance(symbol, Rule):
                        if symbol.name not in self.rules:
                            where = f"grammar.rules.{name}"
                            raise InputError(f"there is no rule {symbol.name!r}", where=where)
                        visit(symbol.name, (*above, name))
            finished.add(name)

        try:
            for name in self.rules:
                visit(name, ())
        except RecursionError:
            raise InputError("the rules are nested too deeply", where="grammar.rules") from None


def _alternatives(name: str, value: str | Sequence[str]) -> list[tuple[float, str]]:
    if isinstance(value, str):
        parts = [part.rpartition(":") for part in value.split()]
        found = [(_number(name, weight), text) if colon else (1.0, weight) for text, colon, weight in parts]
        if not all(text for _, text in found):
            what = "an alternative has a weight and no text"
            raise InputError(
                what, where=f"grammar.rules.{name}", remedy='Write the rule as a list with "" in it'
            )
    else:
        found = []
        for part in value:
            match = _WEIGHT.match(part)
            found.append((float(match[1]), part[match.end() :]) if match else (1.0, part))
    if not found or not all(0 < weight < math.inf for weight, _ in found):
        raise InputError("a rule needs alternatives with weights above 0", where=f"grammar.rules.{name}")
    return found


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r} is not a weight", where=f"grammar.rules.{name}") from None


def _normalised(name: str, alternatives: list[tuple[float, str]]) -> list[tuple[float, Symbols]]:
    total = math.fsum(weight for weight, _ in alternatives)
    return [(weight / total, _symbols(name, text)) for weight, text in alternatives]


def _symbols(name: str, text: str) -> Symbols:
    symbols: list[str | Rule] = []
    for number, piece in enumerate(_REFERENCE.split(text)):
        if number % 2:
            symbols.append(Rule(piece))
        elif "{" in piece or "}" in piece or "\n" in piece:
            raise InputError(f"unpaired brace or line end in {text!r}", where=f"grammar.rules.{name}")
        else:
            symbols.extend(piece)
    return tuple(symbols)
