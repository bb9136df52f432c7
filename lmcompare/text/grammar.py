"""Synthetic languages: probabilistic context-free grammars whose probabilities and entropy are exact.

A grammar is a set of rules over characters, or over words. Everything is computed by reading a
sentence from left to right while keeping every derivation that is still possible, with its weight:
the deterministic automaton of the language, built as far as it is needed. So a sentence's probability
is the sum over all its derivations, and no rule need be unambiguous. With rules that lead back to
themselves there is no end of states, and each is still exact: a weight is the prefix probability of
Jelinek and Lafferty (1991), summed by derivation. Knows nothing of documents.
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

import numpy as np

from lmcompare.errors import InputError

END: Final = ""  # the event after the last character
_REFERENCE: Final = re.compile(r"\{([^{}]*)\}")
_WEIGHT: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\|\s*")


class Rule(NamedTuple):
    """A reference to a rule inside an alternative."""

    name: str


Symbols = tuple[str | Rule, ...]  # a string is one character, or one word
Beliefs = tuple[tuple[int, float], ...]  # (what is still to come, probability), sums to one


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
        words: whether text is made of words between white space; else of characters.
        recursive: whether a rule may lead back to itself, though never as its own first part.

    Raises:
        InputError: a reference to no rule, a bad weight, a rule that leads back to itself, or rules whose
            sentences need not end.
    """

    def __init__(
        self, rules: Mapping[str, str | Sequence[str]], *, words: bool = False, recursive: bool = False
    ) -> None:
        self.rules: dict[str, list[tuple[float, Symbols]]] = {
            name: _normalised(name, _alternatives(name, value), words) for name, value in rules.items()
        }
        self.recursive, self._space = recursive, " " if words else ""
        self._limits = {name: list(accumulate(p for p, _ in rule)) for name, rule in self.rules.items()}
        self._refuse_unknown()
        self._refuse_recursion(_nullable(self.rules) if recursive else None)
        if recursive:
            self._refuse_endless()
        self._ids: dict[Symbols, int] = {}
        self._rests: list[Symbols] = []
        self._heads: dict[int, dict[str, list[tuple[float, int, str]]]] = {}
        self._steps: dict[Beliefs, dict[str, tuple[float, Beliefs]]] = {}
        self._entropies: dict[Beliefs, tuple[float, float]] = {}

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
        return self._space.join(characters)

    def logprobs(self, sentence: str, starts: Mapping[str, float]) -> list[float]:
        """Natural log p of each character and of the end, given what stands before it.

        Args:
            sentence: any text.
            starts: rule -> weight; the sentence comes from one of them, nobody knows which.

        Returns:
            `len(sentence) + 1` values; from the first impossible character on, all are `-inf`.
        """
        found: list[float] = []
        beliefs: Beliefs = self.begin(starts)
        for character in [*sentence, END]:
            probability, beliefs = self.step(beliefs).get(character, (0.0, ()))
            found.append(math.log(probability) if probability else -math.inf)
        return found

    def entropy(self, starts: Mapping[str, float]) -> Entropy:
        """Exact entropy of one sentence from a mixture of rules (see `logprobs`).

        By the chain rule: H(now) is the sum over next characters c of p(c) (-log2 p(c) + H(after c)). A
        recursive grammar has no end of states, and this no end.
        """
        return Entropy(*self._entropy(self.begin(starts)))

    def begin(self, starts: Mapping[str, float]) -> Beliefs:
        """What is to come before anything was read (see `logprobs`)."""
        unknown = [name for name in starts if name not in self.rules]
        if unknown or not starts or min(starts.values()) <= 0:
            raise InputError(f"not rules to start from: {dict(starts)}", where="grammar.topics")
        total = sum(starts.values())
        return tuple((self._id((Rule(name),)), weight / total) for name, weight in starts.items())

    def _entropy(self, beliefs: Beliefs) -> tuple[float, float]:
        """Bits and events from here to the end of the sentence."""
        stack = [beliefs]  # of our own: a sentence may be longer than Python's stack is deep
        while stack:
            now = stack[-1]
            if now in self._entropies:
                stack.pop()
                continue
            steps = self.step(now)
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

    def step(self, beliefs: Beliefs) -> dict[str, tuple[float, Beliefs]]:
        """Next character -> its probability and what is believed after it."""
        if beliefs not in self._steps:
            joint: dict[str, dict[int, float]] = {}
            for rest, weight in beliefs:
                for character, ways in self._head(rest).items():
                    after = joint.setdefault(character, {})
                    for probability, tail, _ in ways:
                        after[tail] = after.get(tail, 0.0) + weight * probability
            steps = {}
            for character, after in joint.items():
                total = math.fsum(after.values())
                # Rounded, so that the same beliefs reached on two ways are one state.
                tails = tuple((tail, round(share / total, 13)) for tail, share in sorted(after.items()))
                steps[character] = total, tails
            self._steps[beliefs] = steps
        return self._steps[beliefs]

    def writers(self, beliefs: Beliefs) -> dict[str, str]:
        """Next character -> the rule in which it stands, the most probable one; "" where it was left."""
        found: dict[str, dict[str, float]] = {}
        for rest, weight in beliefs:
            for character, ways in self._head(rest).items():
                own = found.setdefault(character, {})
                for probability, _, rule in ways:
                    own[rule] = own.get(rule, 0.0) + weight * probability
        return {character: max(own, key=own.__getitem__) for character, own in found.items()}

    def _head(self, rest: int) -> dict[str, list[tuple[float, int, str]]]:
        """First character of what is still to come -> the ways to get it: probability, what follows, rule."""
        if rest not in self._heads:
            found: dict[str, list[tuple[float, int, str]]] = {}
            stack: list[tuple[float, Symbols, str, int]] = [(1.0, self._rests[rest], "", 0)]
            while stack:
                # The first `own` symbols are of the rule that was opened last.
                weight, symbols, rule, own = stack.pop()
                if not symbols:
                    found.setdefault(END, []).append((weight, self._id(()), ""))
                elif isinstance(symbols[0], Rule):
                    name, rest_ = symbols[0].name, symbols[1:]
                    stack.extend(
                        (weight * p, (*body, *rest_), name, len(body)) for p, body in self.rules[name]
                    )
                else:
                    writer = rule if own else ""
                    found.setdefault(symbols[0], []).append((weight, self._id(symbols[1:]), writer))
            self._heads[rest] = found
        return self._heads[rest]

    def _id(self, symbols: Symbols) -> int:
        known = self._ids.get(symbols)
        if known is None:
            known = self._ids[symbols] = len(self._rests)
            self._rests.append(symbols)
        return known

    def _refuse_unknown(self) -> None:
        for name, alternatives in self.rules.items():
            for symbol in (symbol for _, symbols in alternatives for symbol in symbols):
                if isinstance(symbol, Rule) and symbol.name not in self.rules:
                    raise InputError(f"there is no rule {symbol.name!r}", where=f"grammar.rules.{name}")

    def _refuse_endless(self) -> None:
        """Sentences end for certain where the matrix of expected rules in a rule has a radius below 1.

        Booth and Thompson (1973).
        """
        place = {name: index for index, name in enumerate(self.rules)}
        expected = np.zeros((len(place), len(place)))
        for name, alternatives in self.rules.items():
            for probability, symbols in alternatives:
                for symbol in symbols:
                    if isinstance(symbol, Rule):
                        expected[place[name], place[symbol.name]] += probability
        if np.abs(np.linalg.eigvals(expected)).max() >= 1 - 1e-9:
            remedy = "Give less weight to the alternatives that lead back to their own rule"
            raise InputError("the sentences need not end", where="grammar.rules", remedy=remedy)

    def _refuse_recursion(self, nullable: frozenset[str] | None) -> None:
        """No rule leads back to itself: anywhere in it, or (`nullable` given) in what may stand first."""
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
                        visit(symbol.name, (*above, name))
                    if nullable is not None and (not isinstance(symbol, Rule) or symbol.name not in nullable):
                        break
            finished.add(name)

        try:
            for name in self.rules:
                visit(name, ())
        except RecursionError:
            raise InputError("the rules are nested too deeply", where="grammar.rules") from None


def _nullable(rules: Mapping[str, list[tuple[float, Symbols]]]) -> frozenset[str]:
    """The rules that can stand for nothing."""
    found: set[str] = set()
    while True:
        more = {
            name
            for name, alternatives in rules.items()
            for _, symbols in alternatives
            if all(isinstance(symbol, Rule) and symbol.name in found for symbol in symbols)
        }
        if more <= found:
            return frozenset(found)
        found |= more


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


def _normalised(name: str, alternatives: list[tuple[float, str]], words: bool) -> list[tuple[float, Symbols]]:
    total = math.fsum(weight for weight, _ in alternatives)
    return [(weight / total, _symbols(name, text, words)) for weight, text in alternatives]


def _symbols(name: str, text: str, words: bool) -> Symbols:
    symbols: list[str | Rule] = []
    for number, piece in enumerate(_REFERENCE.split(text)):
        if number % 2:
            symbols.append(Rule(piece))
        elif "{" in piece or "}" in piece or "\n" in piece:
            raise InputError(f"unpaired brace or line end in {text!r}", where=f"grammar.rules.{name}")
        else:
            symbols.extend(piece.split() if words else piece)
    return tuple(symbols)
