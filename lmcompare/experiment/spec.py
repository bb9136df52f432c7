"""The experiment file: TOML in, checked values out, every fault named at once with its place.

Knows what may be written, not how anything is done: each part's options come from the layer that reads
them (`[corpus]` and `[tokenizer]` from text, `[evaluation]` from evaluation, a model's from its family).
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lmcompare import registry
from lmcompare.errors import InputError
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.experiment.changes import changed
from lmcompare.experiment.grid import GridPlace, expand
from lmcompare.models.neural.device import DeviceName
from lmcompare.text.options import CorpusOptions
from lmcompare.text.tokenizers import TokenizerOptions

_WHOLE = "the file"
"""Where a fault is that several keys at the top of a file have together."""


class Head(BaseModel):
    """Everything of an experiment file but its models."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field("", description="for people; the folder's name where it is empty")
    seeds: list[int] = Field([1], min_length=1, description="each model is trained once a seed")
    threads: int = Field(1, ge=1, description="threads of one training")
    device: DeviceName = Field(
        "auto",
        description='where networks are trained and scored: "cpu", "cuda", or "auto", a GPU if torch sees it',
    )
    workers: int = Field(2, ge=1, description="cells that are trained side by side, each in its own process")
    fresh: bool = Field(
        True,
        description="each cell starts a process, so that its peak memory is its own; false: processes are "
        "used again, which is faster where cells take seconds, and peak memory is not told",
    )
    corpus: CorpusOptions
    tokenizer: TokenizerOptions = Field(default_factory=TokenizerOptions)
    evaluation: EvaluationOptions = Field(default_factory=EvaluationOptions)


class ModelHead(BaseModel):
    """What every `[[models]]` table may say, whatever its kind; all other keys are the family's options."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=40, pattern=r"^[^/\\\x00-\x1f]+$")
    kind: str
    seeds: list[int] | None = Field(None, min_length=1, description="in place of the experiment's seeds")
    tokenizer: TokenizerOptions | None = Field(None, description="in place of the experiment's tokenizer")
    corpus: CorpusOptions | None = Field(
        None,
        description="train on the training split of this text in place of the experiment's; "
        "tokenizer, validation and test text stay those of the experiment",
    )
    train_sentences: int | None = Field(
        None, ge=1, description="train on so many sentences of the training text, from its beginning"
    )
    tried: int | None = Field(
        None,
        ge=1,
        description="settings tried before this one was chosen, this one included: its tuning budget, which "
        "the report states",
    )
    grid: dict[str, list[str | int | float | bool]] | None = Field(
        None,
        description="many models in one table: one for each combination of these values; {key} in the name "
        "and in members is replaced by the value",
    )


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One `[[models]]` table, checked.

    Attributes:
        name: of the model in the experiment.
        kind: registry name.
        seeds: one cell each.
        tokenizer: its event space.
        options: the family's.
        corpus: text to train on in place of the experiment's; `None`: there is none.
        members: other models of the experiment that it is made of, by place in the options
            ("members[0]"); each is trained before it.
        place: of its table in the file ("models[0]").
        grid: where it stands in the grid that it is of; `None`: it is of none.
        train_sentences: sentences of the training text that it is trained on; `None`: all.
        tried: settings tried before this one was chosen; `None`: the file does not say.
    """

    name: str
    kind: str
    seeds: tuple[int, ...]
    tokenizer: TokenizerOptions
    options: BaseModel
    corpus: CorpusOptions | None = None
    members: Mapping[str, str] = field(default_factory=dict)
    place: str = "models"
    grid: GridPlace | None = None
    train_sentences: int | None = None
    tried: int | None = None

    def summary(self) -> str:
        """The options that were set, in one line; a family may have words of its own for them."""
        own = getattr(self.options, "summary", None)
        chosen = self.options.model_dump(mode="json", exclude_defaults=True)
        told = own() if own else ", ".join(f"{key} {value}" for key, value in chosen.items()) or "defaults"
        told += f", corpus {_named(self.corpus)}" if self.corpus else ""
        return told + (f", first {self.train_sentences:,} sentences" if self.train_sentences else "")


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment file, checked; `path` is the file, and the report is written beside it."""

    path: Path
    head: Head
    models: tuple[ModelSpec, ...]

    @property
    def folder(self) -> Path:
        """Where the report and the cells are kept."""
        return self.path.parent

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def title(self) -> str:
        """For people."""
        return self.head.title or self.name

    def in_order(self) -> list[ModelSpec]:
        """The models, each after those that it is made of; otherwise as they stand in the file."""
        by_name = {model.name: model for model in self.models}
        found: dict[str, ModelSpec] = {}

        def visit(model: ModelSpec) -> None:
            for member in model.members.values():
                visit(by_name[member])
            found.setdefault(model.name, model)

        for model in self.models:
            visit(model)
        return list(found.values())

    def to_json(self) -> dict[str, Any]:
        """The whole experiment with defaults filled in."""
        models = [
            {
                "name": model.name,
                "kind": model.kind,
                "seeds": list(model.seeds),
                "tokenizer": model.tokenizer.model_dump(mode="json"),
                **({"corpus": model.corpus.model_dump(mode="json")} if model.corpus else {}),
                **({"grid": model.grid.to_json()} if model.grid else {}),
                **({"train_sentences": model.train_sentences} if model.train_sentences else {}),
                **({"tried": model.tried} if model.tried else {}),
                **model.options.model_dump(mode="json"),
            }
            for model in self.models
        ]
        return {**self.head.model_dump(mode="json"), "models": models}


def read_experiment(path: Path, changes: Mapping[str, Any] | None = None) -> Experiment:
    """Read and check an experiment file (or the `experiment.toml` of a folder).

    Args:
        path: the file or its folder.
        changes: values in the place of the file's, as `changes.changed` takes them.

    Raises:
        InputError: all faults at once, each with the path of its field.
    """
    path = path / "experiment.toml" if path.is_dir() else path
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("there is no such experiment file", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start})", where=str(path)) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not TOML: {error}", where=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from None
    return parse_experiment(changed(raw, changes or {}), path)


def parse_experiment(raw: Mapping[str, Any], path: Path) -> Experiment:
    """Check an experiment that was read already; `path` is where its report will stand."""
    faults: list[str] = []
    tables = raw.get("models", [])
    head = _checked(Head, {k: v for k, v in raw.items() if k != "models"}, "", faults, also=["models"])
    models: list[ModelSpec] = []
    if not isinstance(tables, list) or not tables:
        faults.append("models: no model is named. Add a [[models]] table with a name and a kind")
        tables = []
    names: list[str] = []
    for number, table in enumerate(tables):
        place = f"models[{number}]"
        if not isinstance(table, Mapping):
            faults.append(f"{place}: must be a table")
            continue
        for one, cell in expand(table, place, faults):
            model = _model(one, place, head, faults)
            names.append(str(one.get("name")))
            if model is not None and model.name in {other.name for other in models}:
                faults.append(f"{place}.name: {model.name!r} is the name of another model")
            elif model is not None:
                models.append(replace(model, place=place, grid=cell))
    models = _linked(models, names, faults)
    faults = list(dict.fromkeys(faults))  # the models of a grid share their faults
    if faults or head is None:
        lines = faults[0] if len(faults) == 1 else f"{len(faults)} faults\n  " + "\n  ".join(faults)
        raise InputError(lines, where=str(path))
    return Experiment(path, head, tuple(models))


def _model(table: Mapping[str, Any], place: str, head: Head | None, faults: list[str]) -> ModelSpec | None:
    own = {key: value for key, value in table.items() if key in ModelHead.model_fields}
    rest = {key: value for key, value in table.items() if key not in own}
    checked = _checked(ModelHead, own, place, faults)
    if checked is None:
        return None
    try:
        family = registry.models.get(checked.kind, where=f"{place}.kind")
    except InputError as error:
        faults.append(str(error))
        return None
    options = _checked(family.options, rest, place, faults, also=list(ModelHead.model_fields))
    if options is None or head is None:
        return None
    seeds = tuple(checked.seeds or head.seeds)
    tokenizer = checked.tokenizer or head.tokenizer
    return ModelSpec(
        checked.name,
        checked.kind,
        seeds,
        tokenizer,
        options,
        checked.corpus,
        train_sentences=checked.train_sentences,
        tried=checked.tried,
    )


def _linked(models: list[ModelSpec], names: list[str], faults: list[str]) -> list[ModelSpec]:
    """Each model with the others that its options name; a name that nothing has, or a circle, is a fault."""
    linked = []
    for model in models:
        members = {}
        for place, name in registry.named_members(model.options):
            if name in names:
                members[place] = name
            elif not registry.is_built_in(name):
                near = difflib.get_close_matches(name, names, 1)
                hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(names)}"
                faults.append(f"{model.place}.{place}: there is no model {name!r}. {hint}")
        linked.append(replace(model, members=members))
    by_name = {model.name: model for model in linked}
    told: set[frozenset[str]] = set()
    for model in linked:
        for place, name in model.members.items():
            circle = _path(by_name, name, model.name, ())
            if circle and frozenset(circle) not in told:
                told.add(frozenset(circle))
                way = " -> ".join(map(repr, (model.name, *circle)))
                faults.append(f"{model.place}.{place}: a model cannot be made of itself: {way}")
    return linked


def _path(models: Mapping[str, ModelSpec], start: str, goal: str, passed: tuple[str, ...]) -> tuple[str, ...]:
    """Names from `start` to `goal`, each model made of the next; empty where there is no such way."""
    if start == goal:
        return (*passed, goal)
    if start in passed or start not in models:
        return ()
    ways = (_path(models, name, goal, (*passed, start)) for name in models[start].members.values())
    return next(filter(None, ways), ())


def _named(corpus: CorpusOptions) -> str:
    return str(corpus.name or corpus.path or corpus.train)


def check_options(options: type[BaseModel], values: Mapping[str, Any], place: str) -> Any:
    """`options` filled with `values`, or one `InputError` that names every fault."""
    faults: list[str] = []
    checked = _checked(options, values, "", faults)
    if checked is None:
        # A fault of several options together has no place of its own: `place` says enough.
        raise InputError("; ".join(fault.removeprefix(f"{_WHOLE}: ") for fault in faults), where=place)
    return checked


def _checked(
    model: type[BaseModel],
    values: Mapping[str, Any],
    place: str,
    faults: list[str],
    also: list[str] | None = None,
) -> Any:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        for fault in error.errors():
            faults.append(_sentence(fault, model, place, also or []))
        return None


def _sentence(fault: Any, model: type[BaseModel], place: str, also: list[str]) -> str:
    """One pydantic fault as "models[0].order: must be ..., not 0"."""
    where = place
    for part in fault["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    where = where or _WHOLE
    message = str(fault["msg"])
    if fault["type"] == "extra_forbidden":
        name = str(fault["loc"][-1])
        known = [*_fields_at(model, fault["loc"][:-1]), *(also if len(fault["loc"]) == 1 else [])]
        near = difflib.get_close_matches(name, known, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(sorted(known))}"
        return f"{where}: there is no such key. {hint}"
    if fault["type"] == "missing":
        return f"{where}: is missing"
    message = re.sub(r"^(Value error, |Input )", "", message)
    shown = repr(fault.get("input"))
    # What several keys say together is told by the message; all keys of the table would tell no more.
    together = fault["type"] == "value_error" and isinstance(fault.get("input"), Mapping)
    told = together or message.endswith(shown) or ", not " in message
    ending = f", not {shown}" if len(shown) <= 40 and not told else ""
    return f"{where}: {message}{ending}"


def _fields_at(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    current: Any = model
    for part in location:
        field = current.model_fields.get(part) if hasattr(current, "model_fields") else None
        candidates = [] if field is None else [field.annotation, *getattr(field.annotation, "__args__", ())]
        current = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
        if current is None:
            return []
    return list(current.model_fields)


def schema() -> dict[str, Any]:
    """JSON schema of an experiment file, each family's options included."""
    head = Head.model_json_schema()
    definitions = head.setdefault("$defs", {})
    kinds = []
    for name in registry.models.names():
        options = registry.models.get(name).options.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(options.pop("$defs", {}))
        table = ModelHead.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(table.pop("$defs", {}))
        properties = {**table["properties"], "kind": {"const": name}, **options.get("properties", {})}
        required = ["name", "kind", *options.get("required", [])]
        kinds.append(
            {
                "title": name,
                "description": registry.models.get(name).summary,
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": False,
            }
        )
    head["properties"]["models"] = {"type": "array", "minItems": 1, "items": {"oneOf": kinds}}
    head["required"] = [*head.get("required", []), "models"]
    head["title"] = "lmcompare experiment"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **head}
