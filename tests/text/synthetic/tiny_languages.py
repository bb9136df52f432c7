"""Tiny languages, each with the probability of a sentence worked out from its definition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmcompare.text.synthetic.options import process_of
from lmcompare.text.synthetic.process import Process

Sentence = tuple[str, ...]


@dataclass(frozen=True)
class Tiny:
    """A language, its slow probability, and a length that few sentences pass."""

    spec: dict[str, Any]
    slow: Callable[[Sentence], float]
    longest: int

    @property
    def process(self) -> Process:
        return process_of(self.spec)


MARKOV = {"kind": "markov", "words": "a b c", "order": 2, "weights": [3, 1], "end": 0.8, "seed": 4}
HIDDEN = {
    "kind": "hidden",
    "end": 0.8,
    "states": {
        "x": {"start": 2, "next": {"x": 3, "y": 1}, "says": "a:2 b"},
        "y": {"start": 1, "next": {"x": 1, "y": 1}, "says": "b c:3"},
    },
}
# Ambiguous (a a b has two derivations) and recursive; a rule that can be empty stands before a recursion.
GRAMMAR = {
    "kind": "grammar",
    "start": "s",
    "recursive": True,
    "tags": {"verb": ["v"]},
    "rules": {
        "s": ["4| {n} {v}", "1| a {s} {e}", "1| a a {v}"],
        "n": "a:3 c",
        "v": "b:2 d",
        "e": ["2| ", "1| c"],
    },
}
BRACKETS = {
    "kind": "brackets",
    "pairs": [["(", ")"], ["[", "]"]],
    "depth": 2,
    "opens": 0.1,
    "end": 0.95,
    "near": 1,
}
COPYING = {"kind": "copying", "words": "a b", "sign": "!", "fewest": 1, "most": 3}
RECALL = {
    "kind": "recall",
    "names": "A B C",
    "things": "x y",
    "sign": "?",
    "fewest": 1,
    "most": 2,
    "questions": 2,
}
PARTS = {
    "kind": "parts",
    "parts": {
        "one": {"weight": 3, "language": {**COPYING, "most": 2}},
        "two": {"weight": 1, "language": HIDDEN},
    },
}


def markov_slow(sentence: Sentence) -> float:
    """By a table of followers that is read off the process one context at a time."""
    process, found, read = process_of(MARKOV), 1.0, ("^", "^")
    table = {}
    for context in itertools.product("^abc", repeat=2):
        numbers = ["abc^".index(word) for word in context]
        table[context] = process.probabilities(np.array([numbers], dtype=np.float64))[0]
    for word in sentence:
        found *= table[read]["abc".index(word)]
        read = (read[1], word)
    return float(found * table[read][-1])


def hidden_slow(sentence: Sentence) -> float:
    """The sum over all paths of states, written out."""
    start, moves = {"x": 2 / 3, "y": 1 / 3}, {"x": {"x": 0.75, "y": 0.25}, "y": {"x": 0.5, "y": 0.5}}
    says = {"x": {"a": 2 / 3, "b": 1 / 3}, "y": {"b": 0.25, "c": 0.75}}
    total = 0.0
    for path in itertools.product("xy", repeat=len(sentence)):
        p = start[path[0]] if path else 0.0
        for now, after in itertools.pairwise(path):
            p *= moves[now][after]
        total += p * math.prod(says[state].get(word, 0.0) for state, word in zip(path, sentence, strict=True))
    return total * 0.2 ** (len(sentence) - 1) * 0.8 if sentence else 0.0


def grammar_slow(sentence: Sentence) -> float:
    """Inside probabilities straight from the rules, without an automaton."""
    verb = {"b": 2 / 3, "d": 1 / 3}
    noun = {"a": 0.75, "c": 0.25}

    def inside(words: Sentence) -> float:
        p = 0.0
        if len(words) == 2:
            p += 4 / 6 * noun.get(words[0], 0.0) * verb.get(words[1], 0.0)
        if len(words) == 3 and words[:2] == ("a", "a"):
            p += 1 / 6 * verb.get(words[2], 0.0)
        if len(words) > 2 and words[0] == "a":
            p += 1 / 6 * inside(words[1:]) * 2 / 3
            p += 1 / 6 * inside(words[1:-1]) / 3 if words[-1] == "c" else 0.0
        return p

    return inside(sentence)


def brackets_slow(sentence: Sentence) -> float:
    """A stack, by hand."""
    stack, p = [], 1.0
    for place, word in enumerate(sentence):
        if word in "([":
            p *= (1.0 if place == 0 else 0.05) / 2 if not stack else 0.1 / 2 if len(stack) < 2 else 0.0
            stack.append(")" if word == "(" else "]")
        elif not stack or stack[-1] != word:
            return 0.0
        else:
            p *= 0.9 if len(stack) < 2 else 1.0
            stack.pop()
    return p * 0.95 if sentence and not stack else 0.0


def copying_slow(sentence: Sentence, most: int = 3) -> float:
    """One length of so many, then coins."""
    half = len(sentence) // 2
    said, sign, again = sentence[:half], sentence[half : half + 1], sentence[half + 1 :]
    fits = sign == ("!",) and said == again and set(said) <= {"a", "b"} and 1 <= half <= most
    return 1 / most * 0.5**half if fits else 0.0


def recall_slow(sentence: Sentence) -> float:
    """One or two pairs, then two questions about them."""
    for pairs in (1, 2):
        told, asked = sentence[: 2 * pairs], sentence[2 * pairs :]
        names, things = told[::2], told[1::2]
        known = dict(zip(names, things, strict=False))
        whole = len(sentence) == 2 * pairs + 6 and asked[::3] == ("?", "?")
        if whole and len(known) == pairs and set(names) <= set("ABC") and set(things) <= set("xy"):
            right = all(known.get(asked[at]) == asked[at + 1] for at in (1, 4))
            return 0.5 * (1 / 3, 1 / 6)[pairs - 1] * 0.5**pairs / pairs**2 if right else 0.0
    return 0.0


def parts_slow(sentence: Sentence) -> float:
    return 0.75 * copying_slow(sentence, 2) + 0.25 * hidden_slow(sentence)


TINY = {
    "markov": Tiny(MARKOV, markov_slow, 7),
    "hidden": Tiny(HIDDEN, hidden_slow, 5),
    "grammar": Tiny(GRAMMAR, grammar_slow, 8),
    "brackets": Tiny(BRACKETS, brackets_slow, 10),
    "copying": Tiny(COPYING, copying_slow, 7),
    "recall": Tiny(RECALL, recall_slow, 10),
    "parts": Tiny(PARTS, parts_slow, 5),
}


def enumerated(process: Process, longest: int) -> tuple[dict[Sentence, float], dict[Sentence, float]]:
    """Probabilities of all sentences of at most so many symbols, and of all beginnings with one more."""
    sentences: dict[Sentence, float] = {}
    beginnings: dict[Sentence, float] = {(): 1.0}
    layer, state = [((), 1.0)], process.begin(1)
    for _ in range(longest + 1):
        table = process.probabilities(state)
        rows, symbols, after = [], [], []
        for row, (read, mass) in enumerate(layer):
            sentences[read] = sentences.get(read, 0.0) + mass * table[row, -1]
            for symbol in np.flatnonzero(table[row, :-1]).tolist():
                rows.append(row)
                symbols.append(symbol)
                after.append(((*read, process.symbols[symbol]), mass * table[row, symbol]))
        beginnings |= dict(after)
        if not after:
            break
        state, layer = process.advance(state[rows], np.array(symbols)), after
    return {sentence: p for sentence, p in sentences.items() if p > 0}, beginnings
