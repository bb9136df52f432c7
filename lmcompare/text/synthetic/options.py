"""What a synthetic language is, as a table of a `source.toml`: one class a kind, each builds its process.

Knows nothing of documents and splits (`drawing`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from lmcompare.errors import InputError
from lmcompare.text.grammar import Grammar
from lmcompare.text.synthetic.brackets import Brackets
from lmcompare.text.synthetic.context_free import ContextFree
from lmcompare.text.synthetic.copying import Copying
from lmcompare.text.synthetic.hidden import hidden
from lmcompare.text.synthetic.markov import Markov
from lmcompare.text.synthetic.parts import Parts
from lmcompare.text.synthetic.process import Process
from lmcompare.text.synthetic.recall import Recall

Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Chance = Annotated[float, Field(gt=0, lt=1)]
Number = Annotated[int, Field(ge=1)]
_CONTEXTS = 200_000


class _Language(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _listed(text: str, what: str) -> list[str]:
    """Words between white space, all different."""
    words = text.split()
    if len(set(words)) < len(words) or not words:
        raise ValueError(f"{what} must be words between spaces, all different")
    return words


class MarkovLanguage(_Language):
    """Each word depends on the `order` words before it.

    Attributes:
        words: between white space.
        order: words back that matter.
        weights: of the words that may follow a context, the most probable first.
        end: probability of the sentence's end after each word.
        seed: chooses which words follow which context.
    """

    kind: Literal["markov"]
    words: str
    order: Number = 2
    weights: list[Weight] = Field([6, 3, 1], min_length=1)
    end: Chance = 0.1
    seed: int = 1

    @model_validator(mode="after")
    def _fits(self) -> Self:
        number = len(_listed(self.words, "words"))
        if len(self.weights) > number:
            raise ValueError(f"there are {len(self.weights)} weights and only {number} words")
        if (number + 1) ** self.order > _CONTEXTS:
            raise ValueError(f"{number} words have more than {_CONTEXTS:,} contexts of {self.order} words")
        return self

    def process(self) -> Process:
        """The language."""
        return Markov(self.words.split(), self.order, self.weights, self.end, self.seed)


class HiddenState(_Language):
    """One state: its weight at the start, weights of the states after it, and of the words that it says."""

    start: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    next: dict[str, Weight] = Field(min_length=1)
    says: str = Field(description='words between white space, each "word" or "word:weight"')


class HiddenLanguage(_Language):
    """A hidden Markov model.

    Attributes:
        states: by name.
        end: probability of the sentence's end after each word.
    """

    kind: Literal["hidden"]
    states: dict[str, HiddenState] = Field(min_length=1)
    end: Chance = 0.1

    @model_validator(mode="after")
    def _fits(self) -> Self:
        unknown = [name for state in self.states.values() for name in state.next if name not in self.states]
        if unknown:
            raise ValueError(f"there is no state {unknown[0]!r}")
        if not any(state.start for state in self.states.values()):
            raise ValueError("no state has a weight at the start")
        return self

    def process(self) -> Process:
        """The language."""
        states = {
            name: (state.start, dict(state.next), _weighted(name, state.says))
            for name, state in self.states.items()
        }
        return hidden(states, self.end)


def _weighted(name: str, text: str) -> dict[str, float]:
    """Words with weights, written as a grammar's rule."""
    rule = Grammar({name: text}, words=True).rules[name]
    return {str(symbols[0]): probability for probability, symbols in rule}


class GrammarLanguage(_Language):
    """A probabilistic context-free grammar.

    Attributes:
        start: the rule that a sentence is.
        rules: as in a `grammar.toml`.
        tags: kind of event -> the rules whose words are of this kind.
        words: whether the text of the rules is words between white space; else characters.
        recursive: whether rules lead back to themselves; the entropy is then estimated.
    """

    kind: Literal["grammar"]
    start: str
    rules: dict[str, str | list[str]]
    tags: dict[str, list[str]] = {}
    words: bool = True
    recursive: bool = False

    def process(self) -> Process:
        """The language."""
        grammar = Grammar(self.rules, words=self.words, recursive=self.recursive)
        return ContextFree(grammar, {self.start: 1.0}, self.tags)


class TopicsLanguage(_Language):
    """A grammar without recursion whose documents keep their topic: what a `grammar.toml` holds.

    Attributes:
        topics: name -> weight and the rule that its sentences come from.
        rules: over characters.
    """

    kind: Literal["topics"]
    topics: dict[str, tuple[Weight, str]] = Field(min_length=1)
    rules: dict[str, str | list[str]]

    def process(self) -> Process:
        """The language."""
        grammar = Grammar(self.rules)
        parts = {
            name: (weight, ContextFree(grammar, {start: 1.0}))
            for name, (weight, start) in self.topics.items()
        }
        return Parts(parts, by_document=True)


class BracketsLanguage(_Language):
    """Dyck-k of bounded depth.

    Attributes:
        pairs: opening and closing bracket of each type.
        depth: most brackets that are open.
        opens: probability that a bracket opens where both may be.
        end: probability of the sentence's end where no bracket is open.
        near: distance in tokens up to which a closing bracket counts as near.
    """

    kind: Literal["brackets"]
    pairs: list[tuple[str, str]] = Field(min_length=1)
    depth: Annotated[int, Field(ge=1, le=30)] = 4
    opens: Chance = 0.4
    end: Chance = 0.5
    near: Number = 4

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _listed(" ".join(side for pair in self.pairs for side in pair), "brackets")
        return self

    def process(self) -> Process:
        """The language."""
        return Brackets(self.pairs, self.depth, self.opens, self.end, self.near)


class CopyingLanguage(_Language):
    """Words, a sign, the same words.

    Attributes:
        words: between white space.
        sign: stands before the copy.
        fewest: words that are copied, at least.
        most: words that are copied, at most.
    """

    kind: Literal["copying"]
    words: str
    sign: str
    fewest: Number = 3
    most: Annotated[int, Field(ge=1, le=100)] = 6

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _listed(f"{self.words} {self.sign}", "words and sign")
        if self.fewest > self.most:
            raise ValueError("fewest is more than most")
        return self

    def process(self) -> Process:
        """The language."""
        return Copying(self.words.split(), self.sign, self.fewest, self.most)


class RecallLanguage(_Language):
    """Names with their things, then questions.

    Attributes:
        names: between white space.
        things: between white space.
        sign: stands before each question.
        fewest: pairs, at least.
        most: pairs, at most.
        questions: how many are asked.
    """

    kind: Literal["recall"]
    names: str
    things: str
    sign: str
    fewest: Number = 2
    most: Number = 4
    questions: Number = 2

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _listed(f"{self.names} {self.things} {self.sign}", "names, things and sign")
        if not self.fewest <= self.most <= len(self.names.split()):
            raise ValueError("fewest, most and the number of names must not fall")
        return self

    def process(self) -> Process:
        """The language."""
        names, things = self.names.split(), self.things.split()
        return Recall(names, things, self.sign, self.fewest, self.most, self.questions)


Simple = Annotated[
    MarkovLanguage | HiddenLanguage | GrammarLanguage | BracketsLanguage | CopyingLanguage | RecallLanguage,
    Field(discriminator="kind"),
]


class Part(_Language):
    """One part of a language: how often a sentence is of it."""

    weight: Weight = 1.0
    language: Simple


class PartsLanguage(_Language):
    """A language of several; each sentence is of one of them."""

    kind: Literal["parts"]
    parts: dict[str, Part] = Field(min_length=1)

    def process(self) -> Process:
        """The language."""
        return Parts({name: (part.weight, part.language.process()) for name, part in self.parts.items()})


Language = Annotated[
    MarkovLanguage
    | HiddenLanguage
    | GrammarLanguage
    | TopicsLanguage
    | BracketsLanguage
    | CopyingLanguage
    | RecallLanguage
    | PartsLanguage,
    Field(discriminator="kind"),
]
_LANGUAGE: TypeAdapter[Any] = TypeAdapter(Language)


def process_of(source: dict[str, Any]) -> Process:
    """The process that plain values describe (`Corpus.source`, the table `[language]`).

    Raises:
        InputError: every fault with its place.
    """
    try:
        process = _LANGUAGE.validate_python(source).process()
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'language'}: {e['msg']}" for e in error.errors()]
        raise InputError("; ".join(faults), where="language") from None
    assert isinstance(process, Process)
    state = process.begin(1)
    if not np.isclose(process.probabilities(state).sum(), 1.0):
        raise InputError("no sentence is possible", where="language")
    return process
