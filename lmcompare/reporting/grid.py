"""What a grid found: its models as rows and columns, static and dynamic apart, and what is best.

Selects and formats what the evaluation found; computes no statistic and draws nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from lmcompare.evaluation.results import ModelResult, Results
from lmcompare.reporting import numbers
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import difference, headline_split, same_event_space, scores
from lmcompare.reporting.table import Column, Table, TableCell

MEASURES = ("quality", "size", "seconds")
_DYNAMIC = frozenset({"cache", "mixture"})

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Panel:
    """The models of a grid that are of one sort.

    Attributes:
        sort: "dynamic" where the model learns from what it has read of the test text (a cache, or a mixture
            with one, that reads on over line ends), else "static".
        axis: what the columns are, such as "order".
        values: the columns, in the order of the file.
        rows: the models of each row by column; a combination that no grid has is absent.
    """

    sort: Literal["static", "dynamic"]
    axis: str
    values: list[Value] = field(default_factory=list)
    rows: dict[str, dict[Value, ModelResult]] = field(default_factory=dict)


def panels(results: Results) -> list[Panel]:
    """The grids of an experiment, one panel an axis and sort, static first; empty where there is no grid."""
    places = {
        str(model["name"]): model["grid"]
        for model in results.experiment.get("models", [])
        if isinstance(model, dict) and "grid" in model
    }
    found: dict[tuple[str, str], Panel] = {}
    for model in results.models:
        if model.name not in places:
            continue
        place = places[model.name]
        dynamic = model.kind in _DYNAMIC and model.policy == "document"
        sort: Literal["static", "dynamic"] = "dynamic" if dynamic else "static"
        panel = found.setdefault((place["axis"], sort), Panel(sort, place["axis"]))
        if place["value"] not in panel.values:
            panel.values.append(place["value"])
        panel.rows.setdefault(place["row"], {})[place["value"]] = model
    return sorted(found.values(), key=lambda panel: (panel.axis, panel.sort == "dynamic"))


def quality(results: Results, model: ModelResult) -> float:
    """Perplexity on the headline split, or bits per byte where event spaces differ; NaN where not scored."""
    found = scores(results, model)
    if found is None:
        return math.nan
    return found.perplexity if same_event_space(results) else found.bits_per_byte


def grid_tables(results: Results, say: Language) -> list[Table]:
    """For each panel: perplexity, size on disk and training time of every model; the best are marked."""
    return [_table(results, panel, measure, say) for panel in panels(results) for measure in MEASURES]


def grid_findings(results: Results, say: Language) -> list[str]:
    """What is best of each panel and by how much, a sentence each, and what learning while reading gives."""
    sentences, firsts = [], []
    for panel in panels(results):
        cells = [
            (quality(results, model), row, model)
            for row, models in panel.rows.items()
            for model in models.values()
        ]
        cells = sorted((cell for cell in cells if math.isfinite(cell[0])), key=lambda cell: cell[0])
        if not cells:
            continue
        best = cells[0]
        firsts.append((panel, best))
        told = {
            "sort": say(f"grid.{panel.sort}"),
            "best": best[2].name,
            "value": _quality(results, best[0]),
            "unit": _unit(results, say),
        }
        second = next((cell for cell in cells if cell[1] != best[1]), None)
        if second is None:
            sentences.append(say("grid.alone", **told))
            continue
        told |= {"second": second[2].name, "other": _quality(results, second[0])}
        told["percent"] = numbers.fixed(100 * (1 - best[0] / second[0]), 1)
        pair = difference(results, best[2].name, second[2].name)
        if pair is None:
            sentences.append(say("grid.untested", **told))
        else:
            key = "grid.clear" if pair.clear else "grid.unclear"
            sentences.append(say(key, **told, p=numbers.p_value(pair.p_holm)))
    for (panel, static), (other, dynamic) in zip(firsts, firsts[1:], strict=False):
        if panel.axis == other.axis and (panel.sort, other.sort) == ("static", "dynamic"):
            percent = numbers.fixed(100 * (1 - dynamic[0] / static[0]), 1)
            values = {"static": _quality(results, static[0]), "dynamic": _quality(results, dynamic[0])}
            sentences.append(say("grid.gain", **values, unit=_unit(results, say), percent=percent))
    return sentences


def _table(results: Results, panel: Panel, measure: str, say: Language) -> Table:
    name = say.get(f"axis.{panel.axis}", panel.axis)
    columns = (
        Column("row", say("grid.row"), "left"),
        *(Column(f"value_{index}", f"{name} {value}") for index, value in enumerate(panel.values)),
    )
    shown = [
        [_measured(results, models.get(value), measure) for value in panel.values]
        for models in panel.rows.values()
    ]
    best = [
        min((row[index][0] for row in shown if math.isfinite(row[index][0])), default=math.nan)
        for index in range(len(panel.values))
    ]
    rows = []
    for row, cells in zip(panel.rows, shown, strict=True):
        drawn = [TableCell(row)]
        for (value, text), lowest in zip(cells, best, strict=True):
            mark = "* " if measure == "quality" and value == lowest else ""
            drawn.append(TableCell(mark + text, None if math.isnan(value) else value))
        rows.append(tuple(drawn))
    notes = {"quality": ("grid.note",), "size": (), "seconds": ("grid.seconds_note",)}[measure]
    if panel.sort == "dynamic" and measure == "seconds":
        notes = ("grid.seconds_note", "grid.dynamic_note")
    what = say("grid.on", unit=_unit(results, say), split=say(f"split.{headline_split(results)}"))
    what = what if measure == "quality" else say(f"grid.{measure}")
    title = say("grid.title", what=what, sort=say(f"grid.{panel.sort}"), axis=name)
    title = title[:1].upper() + title[1:]
    return Table(title, columns, tuple(rows), tuple(say(note) for note in notes))


def _measured(results: Results, model: ModelResult | None, measure: str) -> tuple[float, str]:
    """The number to sort by, and its text."""
    if model is None:
        return math.nan, numbers.MISSING
    if measure == "size":
        return model.cost.bytes, numbers.size(model.cost.bytes)
    if measure == "seconds":
        return model.cost.train_seconds, numbers.duration(model.cost.train_seconds)
    value = quality(results, model)
    return value, numbers.MISSING if math.isnan(value) else _quality(results, value)


def _quality(results: Results, value: float) -> str:
    return numbers.perplexity(value) if same_event_space(results) else numbers.fixed(value, 3)


def _unit(results: Results, say: Language) -> str:
    return say("grid.perplexity" if same_event_space(results) else "grid.bits_per_byte")
