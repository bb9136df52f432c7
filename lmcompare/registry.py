"""Names to factories: models, tokenizers, sources of corpora, metrics; plug-ins by entry points.

A built-in is a string "module:attribute" that is imported when it is first asked for, so naming a
neural model imports no torch. A plug-in declares an entry point in the group `lmcompare.models`
(`.tokenizers`, `.sources`, `.metrics`) that leads to the same kind of object.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

from pydantic import BaseModel, ValidationError

from lmcompare.errors import InputError
from lmcompare.interface import Ids, LanguageModel, Tokenizer

T = TypeVar("T")


class Registry(Generic[T]):
    """One name space: `get(name)` imports and returns the object that was registered under the name."""

    def __init__(self, what: str, group: str, builtins: dict[str, str]) -> None:
        self.what, self.group = what, group
        self._entries: dict[str, str | T] = dict(builtins)
        self._plugins_read = False

    def register(self, name: str, value: T | str) -> None:
        """Add an object, or the string "module:attribute" that leads to it; the last one wins."""
        self._entries[name] = value

    def names(self) -> list[str]:
        """Every registered name, sorted."""
        self._read_plugins()
        return sorted(self._entries)

    def get(self, name: str, *, where: str = "") -> T:
        """The object behind `name`; raises `InputError` with the nearest names where there is none."""
        self._read_plugins()
        if name not in self._entries:
            near = difflib.get_close_matches(name, self._entries, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(self.names())}"
            raise InputError(f"there is no {self.what} {name!r}", where=where, remedy=hint)
        value = self._entries[name]
        if isinstance(value, str):
            module, _, attribute = value.partition(":")
            try:
                value = cast(T, getattr(importlib.import_module(module), attribute))
            except (ImportError, AttributeError) as error:
                what = f"the {self.what} {name!r} cannot be loaded: {error}"
                raise InputError(what, where=where, remedy="Install what it needs") from error
            self._entries[name] = value
        return value

    def _read_plugins(self) -> None:
        if not self._plugins_read:
            self._plugins_read = True
            from importlib.metadata import entry_points  # slow to import, and not needed to use one family

            for point in entry_points(group=self.group):
                self._entries.setdefault(point.name, point.value)


@dataclass(frozen=True, slots=True)
class Learning:
    """What can be seen of a network while it learns.

    Attributes:
        bits: of training text, a token, over the last few steps.
        valid_bits: of validation text, a token, at the last validation; `None` before the first.
        tokens_per_second: of training text, since the last report, all that was done between included.
        sample: the newest text that the model wrote on the way; empty before the first.
    """

    bits: float
    valid_bits: float | None
    tokens_per_second: float
    sample: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long job is: `done` of `total` in any unit, and a short note ("valid ppl 121.3").

    Where a network learns, `learning` tells more of it.
    """

    stage: str
    done: float
    total: float
    note: str = ""
    learning: Learning | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """All that a family needs to train one cell.

    Attributes:
        options: the family's validated options.
        tokenizer: the event space.
        train: documents to learn from.
        valid: documents to stop early and to choose a checkpoint on.
        seed: fixes every random choice.
        folder: existing work folder, kept over kills: checkpoints and `curve.jsonl` go here. A second call
            with the same folder continues where the first was killed and ends in the same bits.
        threads: number of threads that may be used.
        progress: called a few times a second at most; cheap.
        members: the trained models that the options name (`named_members`), by that name.
        source: what a synthetic text was drawn from, as plain values (`Corpus.source`); `None`: not known.
        write: makes a short text of a model that is still learning; `None`: none is wanted. It draws no
            random number but its own.
        device: of networks: "auto", "cpu" or "cuda" (see `models.neural.device`).
    """

    options: BaseModel
    tokenizer: Tokenizer
    train: Sequence[Ids]
    valid: Sequence[Ids]
    seed: int
    folder: Path
    threads: int = 1
    progress: Callable[[Progress], None] = lambda progress: None
    members: Mapping[str, LanguageModel] = field(default_factory=dict)
    source: Mapping[str, Any] | None = None
    write: Callable[[LanguageModel], str] | None = None
    device: str = "cpu"


class Family(Protocol):
    """A kind of model: what may be set, how it is trained, how it is read back.

    `options` must be importable without torch: it is read whenever an experiment is checked.
    """

    name: str
    summary: str
    options: type[BaseModel]

    def train(self, job: Training) -> LanguageModel:
        """A trained model (not yet saved)."""
        ...

    def load(self, folder: Path) -> LanguageModel:
        """A model that was saved; raises `InputError` naming what is missing or damaged."""
        ...


def named_members(options: BaseModel) -> list[tuple[str, str]]:
    """Other models that a model is made of, as (place in its options, name): `("members[0]", "5-gram")`.

    Options of a family whose models are made of models have a method of this name; all others name none.
    A name that no other model of the experiment has may be that of a kind (`is_built_in`).
    """
    tell = getattr(options, "named_members", None)
    return list(tell()) if tell is not None else []


def named_files(options: BaseModel) -> list[Path]:
    """The files that a model is made of, as its options name them: counts, a model of another tool.

    Options that name files have a method of this name; all others name none. A cell depends on what is in
    these files, and not on where they lie.
    """
    tell = getattr(options, "named_files", None)
    return list(tell()) if tell is not None else []


def is_built_in(name: str) -> bool:
    """Whether a member's name is that of a kind that can be trained without setting anything."""
    if name not in models.names():
        return False
    try:
        return not named_members(models.get(name).options.model_validate({}))
    except ValidationError:
        return False


models: Registry[Family] = Registry(
    "model",
    "lmcompare.models",
    {
        "ngram": "lmcompare.models.ngram.family:NGRAM",
        "unbounded": "lmcompare.models.ngram.unbounded_family:UNBOUNDED",
        "class": "lmcompare.models.ngram.classes:CLASS",
        "skip": "lmcompare.models.ngram.skip:SKIP",
        "kenlm": "lmcompare.models.ngram.kenlm_adapter:KENLM",
        "cache": "lmcompare.models.mixture.family:CACHE",
        "mixture": "lmcompare.models.mixture.family:MIXTURE",
        "neural-cache": "lmcompare.models.mixture.memory_family:NEURAL_CACHE",
        "dynamic": "lmcompare.models.mixture.memory_family:DYNAMIC",
        "knn": "lmcompare.models.mixture.memory_family:KNN",
        "source": "lmcompare.models.source:SOURCE",
        "feedforward": "lmcompare.models.neural.family:FEEDFORWARD",
        "rnn": "lmcompare.models.neural.family:RNN",
        "gru": "lmcompare.models.neural.family:GRU",
        "lstm": "lmcompare.models.neural.family:LSTM",
        "transformer": "lmcompare.models.neural.family:TRANSFORMER",
    },
)

tokenizers: Registry[Any] = Registry(
    "tokenizer",
    "lmcompare.tokenizers",
    {
        "byte": "lmcompare.text.tokenizers.byte:ByteTokenizer",
        "char": "lmcompare.text.tokenizers.char:CharTokenizer",
        "word": "lmcompare.text.tokenizers.word:WordTokenizer",
        "bpe": "lmcompare.text.tokenizers.bpe:BpeTokenizer",
    },
)
