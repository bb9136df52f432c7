"""The smaller tables: paired differences, generated text, context, splits, one sentence's factors.

Chooses and formats; computes nothing and draws nothing.
"""

from __future__ import annotations

from dataclasses import replace

from lmcompare.evaluation.results import Generation, ModelResult, PolicyName, Results
from lmcompare.reporting import numbers
from lmcompare.reporting.language import Language
from lmcompare.reporting.ordering import (
    Difference,
    alike,
    all_compared,
    chain_total,
    differences,
    in_order,
    scores,
)
from lmcompare.reporting.table import Column, Table, TableCell

_SHARES = ("distinct_1", "distinct_2", "distinct_3", "repetition_4")
_SEEN = ("seen_2", "seen_4", "seen_8")
_SHOWN_BEFORE = 3


def pairs_table(results: Results, say: Language) -> Table:
    """Every pair of models with its difference, interval, p and corrected p, both contexts."""
    policies: tuple[PolicyName, PolicyName] = ("native", "matched")
    found = [(policy, one) for policy in policies for one in differences(results, policy)]
    units = {one.unit for _, one in found}
    both = len(units) > 1
    head = "pairs.delta_both" if both else "pairs.delta_byte" if units == {"byte"} else "pairs.delta"
    columns = (
        Column("pair", say("pairs.pair"), "left"),
        Column("context", say("pairs.context"), "left"),
        Column("delta", say(head)),
        Column("p", say("pairs.p")),
        Column("p_holm", say("pairs.p_holm")),
        Column("p_wilcoxon", say("significance.p_wilcoxon")),
        Column("detectable", say("significance.detectable")),
        Column("reading", say("pairs.reading"), "left"),
    )
    rows = tuple(_pair_row(policy, one, both, say) for policy, one in found)
    notes = [say("pairs.note"), say("significance.note_interval")]
    if found:
        unit = say(f"significance.unit_{found[0][1].resampled}")
        notes.append(say("significance.note_tests", unit=unit))
    if not all_compared(results):
        notes.append(say("pairs.some"))
    if results.ranking.letters and len(results.models) > 1:
        groups = named(alike(results), say)
        notes.insert(
            0, say("significance.letters", groups=groups) if groups else say("significance.no_letters")
        )
    return Table(say("pairs.title"), columns, rows, tuple(notes))


def spread_table(results: Results, say: Language) -> Table:
    """Each model's standard deviations through the choice of text and through the training seed."""
    keys = ("texts_bits", "seeds_bits", "texts_perplexity", "seeds_perplexity")
    columns = (
        Column("model", say("column.model.label"), "left"),
        Column("seeds", say("significance.spread.seeds")),
        *(Column(key, say(f"significance.spread.{key}")) for key in keys),
    )
    rows, resampled = [], ""
    for model in in_order(results):
        found = scores(results, model, "native")
        if found is None or found.variation is None:
            continue
        resampled = say(f"text.{found.unit}")
        values = [getattr(found.variation, key) for key in keys]
        counted = not model.drawn  # trained once or ten times, it is the same model
        cells = [_spread(0.0 if value is None and counted else value) for value in values]
        rows.append((TableCell(model.name), TableCell(str(len(model.seeds)), len(model.seeds)), *cells))
    notes = (say("significance.spread.note", resampled=resampled),)
    return Table(say("significance.spread.title"), columns, tuple(rows), notes)


def named(groups: list[list[str]], say: Language) -> str:
    """Groups of models as words: "A, B; B, C"."""
    return say("text.semicolon").join(say("text.comma").join(group) for group in groups)


def generation_table(results: Results, say: Language) -> Table | None:
    """Statistics of generated text, the human text's own row first; `None` where none was generated."""
    rows: list[tuple[TableCell, ...]] = []
    measured: list[Generation] = []
    if results.human is not None:
        rows.append((TableCell(say("generation.human")), *_generation_cells(results.human)))
        measured.append(results.human)
    for model in in_order(results):
        if model.generation is not None:
            rows.append((TableCell(model.name), *_generation_cells(model.generation)))
            measured.append(model.generation)
    if not any(model.generation for model in results.models):
        return None
    one = measured[-1]
    unit = say(f"text.{one.unit}")
    keys = (*_SHARES, "self_bleu", "mean_sentence_length", *_SEEN, "longest_copy")
    columns = (
        Column("source", say("generation.source"), "left"),
        *(Column(key, say(f"generation.{key}", unit=unit)) for key in keys),
    )
    size = say("generation.size", samples=f"{one.samples:,}", length=f"{one.length:,}", unit=unit)
    human = results.human is not None
    notes = (
        (size, say("generation.ceiling"), say("generation.note")) if human else (size, say("generation.note"))
    )
    marked = frozenset({0}) if human else frozenset[int]()
    return Table(say("generation.title"), columns, tuple(rows), notes, marked)


def context_table(results: Results, say: Language) -> Table:
    """What each model may look at, and its perplexity with and without context across lines."""
    keys = ("model", "tokenizer", "context", "policy", "mean", "least", "events", "native", "matched")
    models = in_order(results)
    columns = tuple(
        Column(
            key,
            say("column.model.label") if key == "model" else say(f"context.{key}"),
            "left" if key in ("model", "tokenizer", "policy") else "right",
        )
        for key in keys
    )
    rows = tuple(_context_row(results, model, say) for model in models)
    found = Table(say("context.title"), columns, rows, (say("context.note"),))
    if any(row[keys.index("least")].sort is not None for row in rows):
        return found
    # Every event of every model sees all before it, or the results are of before it was counted.
    return replace(found.choose([key for key in keys if key != "least"]), notes=())


def splits_table(results: Results, say: Language) -> Table:
    """The corpus's splits in every unit, with the exact duplicates."""
    splits = results.corpus.splits
    keys = ["documents", "sentences", "words", "characters", "bytes", "duplicates"]
    if all(split.words is None for split in splits.values()):
        keys.remove("words")
    columns = (
        Column("split", say("split.split"), "left"),
        *(Column(key, say(f"split.{key}")) for key in keys),
    )
    if any(split.overlap_13 is not None for split in splits.values()):
        columns += (Column("overlap_13", say("split.overlap_13", unit=say(f"text.{_unit(results)}"))),)
    rows = []
    for name, split in splits.items():
        values = [None if key == "duplicates" and name == "train" else getattr(split, key) for key in keys]
        cells = [
            TableCell(numbers.MISSING) if value is None else TableCell(f"{value:,}", value)
            for value in values
        ]
        if any(one.overlap_13 is not None for one in splits.values()):
            share = split.overlap_13
            cells.append(
                TableCell(numbers.MISSING)
                if share is None
                else TableCell(say("split.percent", share=numbers.percent(share)), share)
            )
        rows.append((TableCell(say(f"split.{name}")), *cells))
    return Table(say("split.title"), columns, tuple(rows))


def chain_table(results: Results, number: int, models: list[ModelResult], say: Language) -> Table:
    """The factors of one sentence, one row a position, one column a model; then product, bits, perplexity.

    Args:
        results: what was found.
        number: which of `results.chain_sentences`.
        models: models whose tokens of this sentence are the same.
        say: the language.
    """
    chains = [model.chains[number] for model in models]
    tokens = [step.token for step in chains[0]]
    columns = (
        Column("t", say("chain.position")),
        Column("factor", say("chain.factor"), "left"),
        *(Column(f"model_{index}", model.name) for index, model in enumerate(models)),
    )
    rows = [
        (
            TableCell(str(position + 1), position),
            TableCell(factor(tokens, position)),
            *(TableCell(numbers.factor(chain[position].logprob)) for chain in chains),
        )
        for position in range(len(tokens))
    ]
    totals = [chain_total(chain) for chain in chains]
    label, empty = "chain.product", TableCell("")
    marked = len(rows)
    ends = (
        (label, [numbers.power_of_ten(total.log10) for total in totals]),
        ("chain.bits", [numbers.fixed(total.bits, 1) for total in totals]),
        ("chain.perplexity", [numbers.perplexity(total.perplexity) for total in totals]),
    )
    rows += [(empty, TableCell(say(key)), *(TableCell(text) for text in texts)) for key, texts in ends]
    return Table(
        say("chain.caption"), columns, tuple(rows), marked=frozenset(range(marked, marked + len(ends)))
    )


def event_space(model: ModelResult, say: Language) -> str:
    """A model's tokens in words, and how many there are: `characters (423)`."""
    found = model.tokenizer
    return f"{say.get(f'tokenizer.{found.kind}', found.kind)} ({found.size:,})"


def factor(tokens: list[str], position: int) -> str:
    """One factor as it is written in the chain rule, what stands far before cut: `P(mat | … on the)`."""
    before = [visible(token) for token in tokens[max(0, position - _SHOWN_BEFORE) : position]]
    given = " ".join((["…"] if position > _SHOWN_BEFORE else []) + before)
    return f"P({visible(tokens[position])} | {given})" if given else f"P({visible(tokens[position])})"


def visible(token: str) -> str:
    """A token with its white space made visible: a space as ␣, a line end as ⏎, a tab as ⇥."""
    return token.replace(" ", "␣").replace("\n", "⏎").replace("\t", "⇥") or "∅"


def _pair_row(policy: str, one: Difference, both: bool, say: Language) -> tuple[TableCell, ...]:
    decimals = max(2, numbers.decimals_of(one.low, one.high, 3))
    low, high = numbers.signed(one.low, decimals), numbers.signed(one.high, decimals)
    delta = f"{numbers.signed(one.value, decimals)} [{low}, {high}]"
    reading = say("pairs.unclear")
    if not one.finite:
        delta, reading = numbers.fixed(one.value, 0), say("pairs.infinite")
    elif one.clear:
        reading = say("pairs.better", model=one.a if one.value < 0 else one.b)
    if both:
        delta += f" /{say(f'text.{one.unit}')}"
    small = []
    for key, ends in (("significance.bca", one.bca), ("significance.seeds", one.seeds)):
        if ends is not None and one.finite:
            ends_shown = [numbers.signed(end, decimals) for end in ends]
            if ends_shown != [low, high]:
                small.append(say(key, low=ends_shown[0], high=ends_shown[1]))
    if one.finite and one.sd_texts is not None and one.seeds is None:
        small.append(say("significance.seeds_unknown"))
    least = TableCell(numbers.MISSING)
    if one.detectable is not None:
        least = TableCell(numbers.fixed(one.detectable, decimals), one.detectable)
    return (
        TableCell(f"{one.a} − {one.b}"),
        TableCell(say(f"text.{policy}")),
        TableCell(delta, one.value, say("text.semicolon").join(small)),
        _p(one.p),
        _p(one.p_holm),
        _p(one.p_wilcoxon),
        least,
        TableCell(reading),
    )


def _p(p: float | None) -> TableCell:
    if p is None:
        return TableCell(numbers.MISSING)
    return TableCell(numbers.p_value(p).removeprefix("p = ").removeprefix("p "), p)


def _spread(value: float | None) -> TableCell:
    """A standard deviation at two significant digits."""
    if not value:
        return TableCell(numbers.MISSING if value is None else "0", value)
    return TableCell(numbers.fixed(value, numbers.decimals_of(-value, value, 3)), value)


def _generation_cells(found: Generation) -> list[TableCell]:
    shares = [TableCell(numbers.fixed(getattr(found, key), 3), getattr(found, key)) for key in _SHARES]
    seen = [TableCell(numbers.fixed(getattr(found, key), 3), getattr(found, key)) for key in _SEEN]
    bleu = TableCell(numbers.fixed(found.self_bleu, 1), found.self_bleu)
    length = TableCell(numbers.fixed(found.mean_sentence_length, 1), found.mean_sentence_length)
    copy = TableCell(numbers.fixed(found.longest_copy, 1), found.longest_copy)
    return [*shares, bleu, length, *seen, copy]


def _unit(results: Results) -> str:
    """What an n-gram of the corpus's text is made of."""
    return (
        "words" if any(split.words is not None for split in results.corpus.splits.values()) else "characters"
    )


def _context_row(results: Results, model: ModelResult, say: Language) -> tuple[TableCell, ...]:
    native, matched = scores(results, model, "native"), scores(results, model, "matched")
    limit = say("text.unlimited")
    if model.context is not None:
        limit = say("text.tokens_back", count=f"{model.context:,}")
    mean = least = events = TableCell(numbers.MISSING)
    if native is not None:
        if native.least_context is not None:
            least = TableCell(f"{native.least_context:,}", native.least_context)
        mean = TableCell(numbers.fixed(native.mean_context, 1), native.mean_context)
        events = TableCell(f"{native.events:,}", native.events)
    return (
        TableCell(model.name),
        TableCell(event_space(model, say)),
        TableCell(limit, model.context),
        TableCell(say("context.reads_on" if model.policy == "document" else "context.forgets")),
        mean,
        least,
        events,
        *(
            TableCell(numbers.MISSING)
            if found is None
            else TableCell(numbers.perplexity(found.perplexity), found.perplexity)
            for found in (native, matched)
        ),
    )
