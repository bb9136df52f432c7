"""The report as one HTML page that loads nothing: every text, style, script and figure stands in it.

Arranges what `Comparison`, the tables and the figures hand out; everything from data is escaped by the
template. Computes no number and knows no language.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
import json
from dataclasses import dataclass

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure

from lmcompare.evaluation.results import ModelResult, Results, Sample
from lmcompare.reporting import figures, numbers
from lmcompare.reporting.comparison import Comparison
from lmcompare.reporting.details import (
    chain_table,
    context_table,
    event_space,
    factor,
    generation_table,
    pairs_table,
    splits_table,
    spread_table,
    visible,
)
from lmcompare.reporting.drawing import looks
from lmcompare.reporting.evaluation_time import evaluation_time
from lmcompare.reporting.explanation import explanation_table
from lmcompare.reporting.grid import panels
from lmcompare.reporting.grid_figure import grid
from lmcompare.reporting.language import Language, language
from lmcompare.reporting.ordering import MANY, bits, chain_total, in_order, leading, same_event_space
from lmcompare.reporting.ranked import COSTS, cost_table
from lmcompare.reporting.retelling import note_of, options_of
from lmcompare.reporting.table import Table

FULL_COLOUR_BITS = 14.0
TOP = 8
_ELSEWHERE = frozenset(COSTS) - {"model", "parameters", "train"}  # these stand in the section on cost


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a chain: its text, its surprisal in words and as a shade from 0 to 1, its factor."""

    text: str
    bits: str
    shade: str
    factor: str


@dataclass(frozen=True, slots=True)
class Chain:
    """One sentence as one model sees it: tokens, and what their factors multiply to."""

    model: str
    colour: str
    tokens: list[Token]
    product: str
    bits: str
    perplexity: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the chain section: a row a model, tables of factors, and a figure."""

    number: int
    text: str
    chains: list[Chain]
    tables: list[Table]
    figure: Markup


@dataclass(frozen=True, slots=True)
class Bar:
    """A candidate next token, its probability in words and as a width in percent."""

    token: str
    probability: str
    width: str


def to_html(comparison: Comparison, lang: str | None = None) -> str:
    """The whole page: verdict, tables, figures, chains, samples, how to get it again, and its limits."""
    say = language(lang or comparison.lang)
    results = comparison.results
    script = Markup(_shipped("report.js"))
    spaces = [] if same_event_space(results) else [say("caution.spaces")]
    table = comparison.table(say.code)
    shown = leading(results)
    page = _environment().get_template("report.html.j2")
    return page.render(
        say=say,
        results=results,
        policy=f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'",
        script=script,
        styles=Markup(_shipped("report.css")),
        verdict=comparison.verdict(say.code),
        findings=comparison.findings(say.code),
        cautions=comparison.cautions(say.code),
        table=table.choose([column.key for column in table.columns if column.key not in _ELSEWHERE]),
        meanings=[(column.label, column.meaning) for column in table.columns],
        costs=cost_table(results, say),
        context=context_table(results, say),
        pairs=pairs_table(results, say),
        spread=spread_table(results, say),
        generation=generation_table(results, say),
        splits=splits_table(results, say),
        facts=_facts(results, say),
        curve=_figure(figures.learning_curve(shown, say.code), say("figure.curve.caption")),
        curve_notes=spaces,
        differences=_figure(figures.paired_differences(shown, say.code), say("figure.pairs.caption")),
        perplexities=_figure(figures.perplexities(shown, say.code), say("figure.perplexity.caption")),
        cost=_figure(figures.cost_quality(shown, say.code), say("figure.cost.caption")),
        size=_figure(figures.size_quality(shown, say.code), say("figure.size.caption")),
        sentences=[_sentence(shown, number, say) for number in range(len(results.chain_sentences))],
        explanations=[
            (model.name, explanation_table(model.explanation, say, model.name))
            for model in in_order(shown)
            if model.explanation is not None
        ],
        contexts=_contexts(shown),
        samples=_samples(shown, say),
        full=numbers.fixed(FULL_COLOUR_BITS, 0),
        models=[
            (
                model,
                options_of(model.summary, say),
                event_space(model, say),
                [*_tried(model, say), *(note_of(note, say) for note in model.notes)],
            )
            for model in in_order(results)
        ],
        colours={name: look.colour for name, look in looks(shown).items()},
        grid=comparison.grid(say.code),
        grid_findings=comparison.grid_findings(say.code),
        grid_figure=_figure(grid(results, say.code), say("figure.grid.caption")) if panels(results) else "",
        many=MANY,
        sections=list(comparison.sections(say.code).values()),
        sort_of=lambda part: type(part).__name__,
        drawn=_figure,
        leading=""
        if shown is results
        else say("page.leading", shown=len(shown.models), all=len(results.models)),
        times=evaluation_time(results, say),
        experiment=json.dumps(results.experiment, ensure_ascii=False, indent=2),
        resampled=say(f"text.{results.comparisons[0].unit}") if results.comparisons else "",
    )


def _tried(model: ModelResult, say: Language) -> list[str]:
    return [] if model.tried is None else [say("page.tried", count=f"{model.tried:,}")]


def _figure(figure: Figure, caption: str) -> Markup:
    # The SVG is ours, with every text in it escaped by matplotlib's XML writer.
    return Markup(figures.to_svg(figure, caption))


def _sentence(results: Results, number: int, say: Language) -> Sentence:
    colours = looks(results)
    models = [model for model in in_order(results) if number < len(model.chains)]
    groups: dict[tuple[str, ...], list[ModelResult]] = {}
    chains = []
    for model in models:
        steps = model.chains[number]
        tokens = [step.token for step in steps]
        groups.setdefault(tuple(tokens), []).append(model)
        shown = []
        for position, step in enumerate(steps):
            surprisal = bits(step.logprob)
            shown.append(
                Token(
                    visible(step.token),
                    numbers.fixed(surprisal, 1),
                    f"{min(surprisal / FULL_COLOUR_BITS, 1.0):.2f}",
                    f"{factor(tokens, position)} = {numbers.factor(step.logprob)}",
                )
            )
        total = chain_total(steps)
        chains.append(
            Chain(
                model.name,
                colours[model.name].colour,
                shown,
                numbers.power_of_ten(total.log10),
                numbers.fixed(total.bits, 1),
                numbers.perplexity(total.perplexity),
            )
        )
    tables = [chain_table(results, number, group, say) for tokens, group in groups.items() if tokens]
    drawn = _figure(figures.surprisals(results, number, say.code), say("figure.surprisal.caption"))
    return Sentence(number, results.chain_sentences[number], chains, tables, drawn)


def _contexts(results: Results) -> list[tuple[str, list[tuple[str, list[Bar]]]]]:
    """Each context with a list of bars for each model."""
    found: dict[str, list[tuple[str, list[Bar]]]] = {}
    for model in in_order(results):
        for prediction in model.predictions:
            bars = [
                Bar(visible(one.token), numbers.probability(one.probability), f"{100 * one.probability:.2f}")
                for one in prediction.candidates[:TOP]
            ]
            found.setdefault(prediction.context, []).append((model.name, bars))
    return list(found.items())


def _samples(results: Results, say: Language) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Each prompt with the texts of each writer: people first, then the models, best first."""
    writers: list[tuple[str, list[Sample]]] = [(say("generation.human"), results.human_samples)]
    writers += [(model.name, model.samples) for model in in_order(results)]
    if not any(samples for _, samples in writers[1:]):
        return []
    prompts = list(dict.fromkeys(sample.prompt for _, samples in writers for sample in samples))
    return [
        (
            prompt,
            [
                (writer, texts)
                for writer, samples in writers
                if (texts := [sample.text for sample in samples if sample.prompt == prompt])
            ],
        )
        for prompt in prompts
    ]


def _facts(results: Results, say: Language) -> list[tuple[str, str]]:
    return [
        (say.get(f"fact.{key}", key.replace("_", " ")), value if isinstance(value, str) else f"{value:,.6g}")
        for key, value in results.corpus.facts.items()
    ]


@functools.cache
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("lmcompare.reporting", "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["unbroken"] = numbers.unbroken
    return environment


def _shipped(name: str) -> str:
    path = importlib.resources.files("lmcompare.reporting") / "templates" / name
    return path.read_text(encoding="utf-8")
