"""Single values of an experiment file, changed for one run: `lmcompare run --set KEY=VALUE`.

Knows nothing of what a key means: what comes out is checked as a file is.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from lmcompare.errors import InputError


def changed(raw: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment's tables with values of `changes` in the place of their own; lists are replaced whole.

    Args:
        raw: the file as TOML gives it; it stays as it is.
        changes: nested tables. In `models`, each key is the name of a `[[models]]` table.

    Raises:
        InputError: no model has such a name.
    """
    rest = {key: value for key, value in changes.items() if key != "models"}
    found = merged(raw, rest)
    of_models = changes.get("models", {})
    if not isinstance(of_models, Mapping):
        remedy = "Name the model and the key, as in models.LSTM.epochs=1"
        raise InputError("a list of models cannot be set", where="--set models", remedy=remedy)
    if not of_models:
        return found
    tables = [dict(table) for table in raw.get("models", [])]
    names = [str(table.get("name")) for table in tables]
    for name, values in of_models.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            remedy = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(names)}"
            raise InputError(f"there is no model {name!r}", where="--set models", remedy=remedy)
        if not isinstance(values, Mapping):
            remedy = f"Name a key of it, as in models.{name}.seeds=[1]"
            raise InputError("a model is no single value", where=f"--set models.{name}", remedy=remedy)
        tables[names.index(name)] = merged(tables[names.index(name)], values)
    return {**found, "models": tables}


def merged(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A table with the values of another in the place of its own, table by table."""
    found = dict(table)
    for key, value in changes.items():
        below = found.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            value = merged(below, value)
        found[key] = value
    return found
