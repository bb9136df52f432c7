"""What may be set of a cache and of a mixture, and how their members are named.

Knows what may be written in an experiment file, not how anything is computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from lmcompare import registry
from lmcompare.errors import InputError

Member = Annotated[
    Any,
    AfterValidator(lambda value: _member(value)),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]},
            ]
        }
    ),
]
"""A member: the name of another model of the experiment, a kind's name, or a table {kind = ..., ...}."""

Feature = Literal["order", "cache", "frequency", "position"]


class CacheOptions(BaseModel):
    """What a document has said so far says what it says next.

    Attributes:
        order: length of the longest n-grams that are remembered.
        decay: weight of a token is multiplied by so much with each token that follows it; a list has one
            number an order. What is not given is fitted on the validation text.
        trust: "fit": how far a context is trusted, against the next shorter one, is fitted too; "full": what
            was seen is taken at its word, so that what was not seen is impossible: the classic cache, to be
            mixed. By default "full" as a mixture's member that is over nothing, else "fit".
        over: the model that the cache backs off to: the name of another model of the experiment, a kind, or
            a table; by default every token is equally likely there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: int = Field(1, ge=1, le=8)
    decay: float | list[float] | None = None
    trust: Literal["fit", "full"] | None = None
    over: Member | None = None

    @field_validator("decay")
    @classmethod
    def _between(cls, value: float | list[float] | None) -> float | list[float] | None:
        numbers = value if isinstance(value, list) else [] if value is None else [value]
        if not all(0 < number <= 1 for number in numbers):
            raise ValueError(f"a decay is above 0 and at most 1, not {value}")
        return value

    @model_validator(mode="after")
    def _one_an_order(self) -> CacheOptions:
        if isinstance(self.decay, list) and len(self.decay) != self.order:
            raise ValueError(f"decay has {len(self.decay)} numbers, the order is {self.order}")
        return self

    def named_members(self) -> list[tuple[str, str]]:
        """See `registry.named_members`."""
        return [] if self.over is None else named("over", self.over)

    def named_files(self) -> list[Path]:
        """See `registry.named_files`."""
        return files_of([] if self.over is None else [self.over])

    def summary(self) -> str:
        """The options in one line, for people."""
        told = [f"order {self.order}"]
        told += [] if self.decay is None else [f"decay {self.decay}"]
        told += [] if self.trust is None else [f"trust {self.trust}"]
        return ", ".join(told + ([] if self.over is None else [f"over {describe(self.over)}"]))


class MixtureOptions(BaseModel):
    """Several models as one.

    Attributes:
        members: names of other models of the experiment, kinds, or tables such as
            {kind = "cache", order = 2}. A second corpus (domain adaptation) is a member too: by its counts,
            as `lmcompare count` writes them, {kind = "ngram", counts = "other.gz"}, in which words that the
            tokenizer does not have are unknown; or, where it has them all, by a model of it,
            {kind = "kenlm", path = "other.arpa"}.
        rule: "linear": the weighted mean of probabilities; "log-linear": of their logarithms, normalised over
            the vocabulary at each event, which is slow.
        weights: "em": the best ones for the validation text, by EM (log-linear: L-BFGS); or one
            number a member.
        bins: linear: weights of their own for each kind of context: "order" (longest n-gram that the first
            member which tells it knew at the token before), "cache" (how long an ending of the context stood
            in the document before, as the first cache knows it), "frequency" (of the token before in the
            training text), "position" (tokens since the document's start).
        adapt: linear: "online": the weights follow each member's share in what was read of the document;
            "bayes": they are the members' posterior probabilities given what was read.
        rate: adapt: how fast old evidence is forgotten, from 0 to 1; fitted on the validation text if absent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    members: list[Member] = Field(min_length=1)
    rule: Literal["linear", "log-linear"] = "linear"
    weights: Literal["em"] | list[float] = "em"
    bins: list[Feature] = Field(default_factory=list)
    adapt: Literal["none", "online", "bayes"] = "none"
    rate: float | None = Field(None, ge=0, le=1)

    @field_validator("bins", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return [] if value == "none" else [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fit_together(self) -> MixtureOptions:
        if isinstance(self.weights, list):
            if len(self.weights) != len(self.members):
                raise ValueError(
                    f"weights has {len(self.weights)} numbers, there are {len(self.members)} members"
                )
            if min(self.weights) < 0 or max(self.weights) == 0:
                raise ValueError("weights must not be negative, and not all zero")
        if self.rule == "log-linear" and (self.bins or self.adapt != "none"):
            raise ValueError('bins and adapt go with rule = "linear" only')
        if self.rate is not None and self.adapt == "none":
            raise ValueError('rate means nothing without adapt = "online" or "bayes"')
        if len(set(self.bins)) < len(self.bins):
            raise ValueError("bins names a feature twice")
        return self

    def named_members(self) -> list[tuple[str, str]]:
        """See `registry.named_members`."""
        return [
            found
            for number, member in enumerate(self.members)
            for found in named(f"members[{number}]", member)
        ]

    def named_files(self) -> list[Path]:
        """See `registry.named_files`."""
        return files_of(self.members)

    def summary(self) -> str:
        """The options in one line, for people."""
        told = [" + ".join(describe(member) for member in self.members)]
        told += [] if self.rule == "linear" else [self.rule]
        told += [f"weights {self.weights}"] if isinstance(self.weights, list) else []
        told += [f"bins {' x '.join(self.bins)}"] if self.bins else []
        told += [] if self.adapt == "none" else [f"adapt {self.adapt}"]
        return ", ".join(told + ([] if self.rate is None else [f"rate {self.rate}"]))


def describe(member: str | Mapping[str, Any]) -> str:
    """A member as people read it: its name, or its kind and what was set."""
    if isinstance(member, str):
        return member
    options = registry.models.get(member["kind"]).options.model_validate(settings(member))
    own = getattr(options, "summary", None)
    chosen = options.model_dump(mode="json", exclude_defaults=True)
    told = own() if own is not None else ", ".join(f"{key} {value}" for key, value in chosen.items())
    return f"{member['kind']} ({told})" if told else str(member["kind"])


def settings(member: Mapping[str, Any]) -> dict[str, Any]:
    """A member's table without its kind."""
    return {key: value for key, value in member.items() if key != "kind"}


def named(place: str, member: str | Mapping[str, Any]) -> list[tuple[str, str]]:
    """The models of the experiment that a member is or is made of, each with its place in the options."""
    if isinstance(member, str):
        return [(place, member)]
    options = registry.models.get(member["kind"]).options.model_validate(settings(member))
    return [(f"{place}.{inner}", name) for inner, name in registry.named_members(options)]


def files_of(members: Iterable[str | Mapping[str, Any]]) -> list[Path]:
    """The files of those that are tables; a model that is named has a cell of its own."""
    tables = [member for member in members if not isinstance(member, str)]
    options = [registry.models.get(table["kind"]).options.model_validate(settings(table)) for table in tables]
    return [file for own in options for file in registry.named_files(own)]


def _member(value: Any) -> Any:
    """A name, or a table whose kind and options are checked and filled with defaults."""
    if isinstance(value, str) and value:
        return value
    if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
        raise ValueError('a member is the name of a model, or a table such as {kind = "cache", order = 2}')
    try:
        options = registry.models.get(value["kind"]).options.model_validate(settings(value))
    except InputError as error:
        raise ValueError(str(error)) from None
    except ValidationError as error:
        faults = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
        raise ValueError("; ".join(f"{place}: {told}" if place else told for place, told in faults)) from None
    return {"kind": value["kind"], **options.model_dump(mode="json")}
