"""The main table: one row a model, best first, each number with the digits that it can bear.

Chooses and formats; computes nothing and draws nothing.
"""

from __future__ import annotations

from lmcompare.evaluation.results import ModelResult, Results, Scores
from lmcompare.reporting import numbers
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import difference, headline_split, in_order, is_ranked, scores
from lmcompare.reporting.retelling import options_of
from lmcompare.reporting.table import Column, Table, TableCell

COSTS = ("model", "parameters", "tried", "train", "score_speed", "generate_speed", "memory", "disk")
_LEFT = frozenset({"letters", "model", "kind"})
_KEYS = (
    "rank",
    "letters",
    "model",
    "kind",
    "parameters",
    "tried",
    "perplexity",
    "matched",
    "bits_per_char",
    "bits_per_byte",
    "bits_per_word",
    "without_unk",
    "train",
    "score_speed",
    "generate_speed",
    "memory",
    "disk",
)


def ranked_table(results: Results, say: Language) -> Table:
    """The models with their rank, perplexities, bits in every unit and costs."""
    models = in_order(results)
    rows = [
        _cells(results, model, models[index - 1] if index else None, index, say)
        for index, model in enumerate(models)
    ]
    keys = [key for key in _KEYS if key not in ("letters", "bits_per_word", "without_unk", "tried")]
    if any(model.tried is not None for model in models):
        keys.insert(keys.index("parameters") + 1, "tried")
    if results.ranking.letters and len(models) > 1:
        keys.insert(1, "letters")
    shown = [found for model in models if (found := scores(results, model)) is not None]
    if any(found.bits_per_word is not None for found in shown):
        keys.insert(keys.index("bits_per_byte") + 1, "bits_per_word")
    if any(found.unk_events for found in shown):
        keys.insert(keys.index("train"), "without_unk")
    columns = tuple(
        Column(
            key,
            say(f"column.{key}.label"),
            "left" if key in _LEFT else "right",
            say(f"column.{key}.meaning"),
        )
        for key in keys
    )
    split = say(f"split.{headline_split(results)}")
    notes = [say(f"table.policy_{results.ranking.policy}", split=split)]
    if any(row["rank"].text.endswith("≈") for row in rows):
        notes.append(say("table.near"))
    ranked = not results.ranking.refused and len(models) > 0
    return Table(
        title=say("table.main" if ranked else "table.unranked"),
        columns=columns,
        rows=tuple(tuple(row[key] for key in keys) for row in rows),
        notes=tuple(notes),
        marked=frozenset({0}) if ranked and _won(results, models) else frozenset(),
    )


def cost_table(results: Results, say: Language) -> Table:
    """What each model costs: the columns of the ranked table that a narrow page has no room for."""
    chosen = ranked_table(results, say).choose(COSTS)
    rows = tuple(tuple(TableCell(cell.text, cell.sort) for cell in row) for row in chosen.rows)
    return Table(say("table.cost"), chosen.columns, rows)


def _cells(
    results: Results, model: ModelResult, above: ModelResult | None, index: int, say: Language
) -> dict[str, TableCell]:
    found = scores(results, model)
    cost = model.cost
    rank = str(index + 1) if is_ranked(results, model.name) else numbers.MISSING
    if above is not None and rank != numbers.MISSING:
        against = difference(results, above.name, model.name)
        rank += " ≈" if against is not None and against.finite and not against.clear else ""
    return {
        "rank": TableCell(rank, index + 1),
        "letters": TableCell(results.ranking.letters.get(model.name, numbers.MISSING)),
        "model": TableCell(model.name, note=options_of(model.summary, say)),
        "kind": TableCell(say.get(f"kind.{model.kind}", model.kind)),
        "parameters": _number(cost.parameters, numbers.count(cost.parameters)),
        "tried": TableCell(numbers.MISSING)
        if model.tried is None
        else _number(model.tried, f"{model.tried:,}"),
        "perplexity": _perplexity(scores(results, model, "native"), say),
        "matched": _perplexity(scores(results, model, "matched"), say, interval=False),
        "bits_per_char": _bits(found, "bits_per_char"),
        "bits_per_byte": _bits(found, "bits_per_byte"),
        "bits_per_word": _bits(found, "bits_per_word"),
        "without_unk": TableCell(numbers.MISSING)
        if found is None
        else _number(found.perplexity_without_unk, numbers.perplexity(found.perplexity_without_unk)),
        "train": _number(cost.train_seconds, numbers.duration(cost.train_seconds)),
        "score_speed": _speed(cost.score_tokens_per_second),
        "generate_speed": _speed(cost.generate_tokens_per_second),
        "memory": _number(cost.peak_memory_bytes, numbers.size(cost.peak_memory_bytes)),
        "disk": _number(cost.bytes, numbers.size(cost.bytes)),
    }


def _won(results: Results, models: list[ModelResult]) -> bool:
    """Whether the first row is clearly better than the second, so that it may stand out."""
    found = difference(results, models[0].name, models[1].name) if len(models) > 1 else None
    return found is not None and found.clear and found.value < 0


def _number(value: float, text: str) -> TableCell:
    """A cell that sorts by its value; zero bytes or seconds mean that nobody measured."""
    return TableCell(text, value) if value else TableCell(numbers.MISSING)


def _speed(value: float) -> TableCell:
    return _number(value, numbers.count(value))


def _perplexity(found: Scores | None, say: Language, *, interval: bool = True) -> TableCell:
    if found is None:
        return TableCell(numbers.MISSING)
    text = numbers.perplexity(found.perplexity)
    if interval:
        text = numbers.with_interval(found.perplexity, found.ci95)
    note = ""
    if interval and len(found.perplexity_by_seed) > 1:
        values = say("text.comma").join(numbers.perplexity(value) for value in found.perplexity_by_seed)
        note = say("table.seeds", values=values)
    return TableCell(text, found.perplexity, note)


def _bits(found: Scores | None, name: str) -> TableCell:
    value = None if found is None else getattr(found, name)
    return TableCell(numbers.MISSING) if value is None else TableCell(numbers.fixed(value, 3), value)
