"""`lmcompare generate`: text from a model, token by token."""

from __future__ import annotations

import math
from pathlib import Path

import click
from rich.console import Console

from lmcompare.commands.opening import chosen_models
from lmcompare.errors import InputError
from lmcompare.interface import LanguageModel

BOUND = 8
"""Size of the beam that exact search begins with: what it finds need not be looked for again."""


@click.command("generate")
@click.argument("prompt", default="")
@click.option(
    "--model", "folders", type=click.Path(path_type=Path), multiple=True, help="Model folder; repeatable."
)
@click.option(
    "--experiment", type=click.Path(path_type=Path), help="Models of this experiment (default: quick start)."
)
@click.option(
    "--rule", default="temperature(0.8)", show_default=True, help='Such as "greedy()", "top_p(0.9)".'
)
@click.option(
    "-n", "count", type=click.IntRange(1, 10_000), default=1, show_default=True, help="Texts a model."
)
@click.option("--tokens", type=click.IntRange(1), default=60, show_default=True, help="Tokens at most.")
@click.option("--stop", multiple=True, help="Stop after this string, such as 。; repeatable.")
@click.option("--through-eos", is_flag=True, help="Read on over the end of a sentence.")
@click.option("--seed", default=1, show_default=True, help="Fixes all draws.")
@click.option(
    "--compiled/--no-compiled",
    default=None,
    help="Neural models: step in compiled loops, several times faster for a few texts, the same numbers but "
    "for rounding. By default for at most 8 texts of at least 500 tokens: the loops take a while to load.",
)
@click.option("--int8", is_flag=True, help="Neural models: 8-bit weights; `score --int8` tells their price.")
@click.option(
    "--beam",
    type=click.IntRange(1, 1000),
    help="Draw nothing: search with a beam of this size for the -n most probable ends of the sentence.",
)
@click.option(
    "--exact", is_flag=True, help="Draw nothing: find the most probable end of the sentence, proven to be it."
)
def command(
    prompt: str,
    folders: tuple[Path, ...],
    experiment: Path | None,
    rule: str,
    count: int,
    tokens: int,
    stop: tuple[str, ...],
    through_eos: bool,
    seed: int,
    compiled: bool | None,
    int8: bool,
    beam: int | None,
    exact: bool,
) -> None:
    """Continue PROMPT (or start from nothing) with each model.

    \b
    Example:
      lmcompare generate "return the" -n 3
      lmcompare generate --experiment reports/zh-daily "我今天" --stop 。 --rule "top_p(0.9)"
      lmcompare generate --experiment reports/zh-daily "我今天" --beam 8 --exact
    """
    from lmcompare.generation.loop import encode_prompt, generate
    from lmcompare.generation.rules import parse

    if int8 and compiled is False:
        remedy = "Leave --no-compiled out"
        raise InputError("8-bit weights are read in compiled loops", where="--int8", remedy=remedy)
    searches = beam is not None or exact
    if searches and (through_eos or stop):
        where, remedy = "--beam, --exact", "Leave --through-eos and --stop out"
        raise InputError("a search ends with the sentence", where=where, remedy=remedy)
    parsed, console = parse(rule), Console()
    for name, model in chosen_models(folders, experiment, compiled=compiled, int8=int8).items():
        if searches:
            _search(console, name, model, prompt, beam, exact, count, tokens)
            continue
        prompts = [encode_prompt(model.tokenizer, prompt)] * count
        made = generate(
            model,
            prompts,
            parsed,
            seed=seed,
            max_tokens=tokens,
            stop_at_eos=not through_eos,
            stop_strings=stop,
        )
        for text in made:
            console.print(f"[bold]{name}[/] [dim]({len(text.ids)} tokens, stopped at {text.stop})")
            console.print(prompt + text.text, markup=False, highlight=False)


def _search(
    console: Console,
    name: str,
    model: LanguageModel,
    prompt: str,
    beam: int | None,
    exact: bool,
    count: int,
    tokens: int,
) -> None:
    """Print the best ends of the sentence that a beam meets, and the most probable one there is."""
    from lmcompare.generation.beam import beam_search
    from lmcompare.generation.exact import exact_search
    from lmcompare.generation.loop import encode_prompt
    from lmcompare.generation.search import Hypothesis, continuation_text

    ids = encode_prompt(model.tokenizer, prompt)

    def show(found: Hypothesis, how: str) -> None:
        bits = -found.logprob / math.log(2)
        console.print(f"[bold]{name}[/] [dim]({len(found.ids)} tokens, {bits:.2f} bits, {how})")
        console.print(
            prompt + continuation_text(model.tokenizer, ids, found.ids), markup=False, highlight=False
        )

    met = beam_search(model, ids, beam or BOUND, max_tokens=tokens)
    for found in met[:count] if beam is not None else []:
        show(found, f"beam {beam}" if found.complete else f"beam {beam}, no end found")
    if exact:
        optimum = exact_search(model, ids, max_tokens=tokens, bound=met[0])
        how = "the most probable" if optimum.proven else f"not proven: {optimum.nodes:,} beginnings were read"
        if optimum.best is not None:
            show(optimum.best, how)
        else:
            console.print(f"[bold]{name}[/] [dim](no end within {tokens} tokens: {how})")
