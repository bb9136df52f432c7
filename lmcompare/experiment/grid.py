"""Grids: a `[[models]]` table that stands for many models, one for each combination of some values.

Knows placeholders and combinations, nothing of kinds and of what their options mean.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST = 1000
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_RESERVED = ("name", "grid", "seeds", "tokenizer", "corpus")

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class GridPlace:
    """Where a model stands in the table that its grid makes.

    Attributes:
        row: its name without the value along the columns.
        axis: what the columns are: "order" where the grid has it, else its last key.
        value: the model's own column.
    """

    row: str
    axis: str
    value: Value

    def to_json(self) -> dict[str, Value]:
        """Plain values, for `results.json`."""
        return {"row": self.row, "axis": self.axis, "value": self.value}


def expand(
    table: Mapping[str, Any], place: str, faults: list[str]
) -> list[tuple[dict[str, Any], GridPlace | None]]:
    """The tables that a table stands for: itself where it has no `grid`, none where the grid is at fault.

    `grid = {smoothing = ["katz", "absolute"], order = [1, 2]}` stands for four tables. `{order}` in a text,
    the name or a member, is replaced by the value, and a text that is nothing else by the value itself. A
    key is also set as an option, unless it is named in a text other than the name.

    Args:
        table: as it stands in the file.
        place: of the table in the file, such as "models[0]".
        faults: a sentence is added for each thing that is wrong.
    """
    if "grid" not in table:
        return [(dict(table), None)]
    before = len(faults)
    grid, rest = table["grid"], {key: value for key, value in table.items() if key != "grid"}
    faults += _faults(grid, rest, place)
    if len(faults) > before:
        return []
    used = _placeholders([value for key, value in rest.items() if key != "name"])
    axis = "order" if "order" in grid else list(grid)[-1]
    found: list[tuple[dict[str, Any], GridPlace | None]] = []
    for values in itertools.product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        one = {key: _filled(value, chosen) for key, value in rest.items()}
        # A name stays a text, whatever the value: `name = "{order}"` is the model "3".
        one["name"] = str(one["name"])
        one |= {key: value for key, value in chosen.items() if key not in used}
        found.append((one, GridPlace(_row(rest["name"], axis, chosen), axis, chosen[axis])))
    return found


def _faults(grid: Any, rest: Mapping[str, Any], place: str) -> list[str]:
    if not isinstance(grid, Mapping) or not grid:
        return [f"{place}.grid: must be a table of lists, such as {{order = [1, 2, 3]}}"]
    faults = []
    for key, values in grid.items():
        where = f"{place}.grid.{key}"
        if key in _RESERVED:
            faults.append(f"{where}: {key} cannot be varied by a grid")
        if key in rest:
            faults.append(f"{where}: {key} stands in the table too. Keep one of the two")
        if not isinstance(values, list) or not values:
            faults.append(f"{where}: must be a list of one value or more, not {values!r}")
            continue
        faults += [f"{where}: must hold texts and numbers, not {v!r}" for v in values if not _plain(v)]
        twice = [value for at, value in enumerate(values) if value in values[:at]]
        faults += [f"{where}: {value!r} is named twice" for value in dict.fromkeys(map(str, twice))]
    name = rest.get("name")
    if isinstance(name, str):
        missing = [key for key in grid if key not in _placeholders(name)]
        wanted = " and ".join(f"{{{key}}}" for key in missing)
        if missing:
            faults.append(f"{place}.name: must hold {wanted}, so that each model has a name of its own")
    else:
        faults.append(f"{place}.name: a grid needs a name with its keys, such as {{order}}, in it")
    for word in sorted(_placeholders(rest) - set(grid)):
        near = difflib.get_close_matches(word, list(grid), 1)
        hint = f"Did you mean {{{near[0]}}}?" if near else f"There are {', '.join(grid)}"
        faults.append(f"{place}: {{{word}}} is no key of the grid. {hint}")
    number = 1
    for values in grid.values():
        number *= len(values) if isinstance(values, list) else 1
    if number > MOST:
        faults.append(f"{place}.grid: stands for {number:,} models. A grid has at most {MOST:,}")
    return faults


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _placeholders(value: Any) -> set[str]:
    """All words in braces, in a text or anywhere inside lists and tables."""
    if isinstance(value, str):
        return set(_PLACEHOLDER.findall(value))
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else []
    return set[str]().union(*map(_placeholders, parts))


def _filled(value: Any, chosen: Mapping[str, Value]) -> Any:
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value)
        return chosen[whole[1]] if whole else _PLACEHOLDER.sub(lambda found: str(chosen[found[1]]), value)
    if isinstance(value, Mapping):
        return {key: _filled(inner, chosen) for key, inner in value.items()}
    return [_filled(inner, chosen) for inner in value] if isinstance(value, list) else value


def _row(name: str, axis: str, chosen: Mapping[str, Value]) -> str:
    """The name without the column's value: "katz 3" is of the row "katz", "3-gram" of the row "n-gram"."""
    alone = re.sub(rf"(?:(?<=\s)|^)\{{{axis}\}}(?=[\s,]|$)", "", name).replace(f"{{{axis}}}", "n")
    text = " ".join(str(_filled(alone, chosen)).split())
    return text.replace(" ,", ",").strip(" ,") or axis
