"""`lmcompare score`: the surprisal of every token of a text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import click
import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lmcompare.commands.device_option import device_option
from lmcompare.commands.opening import chosen_folders, is_neural, open_model
from lmcompare.commands.units import print_units, signature_of, spread_of
from lmcompare.errors import InputError
from lmcompare.evaluation.context import context_of
from lmcompare.interface import Ids, LanguageModel, Tokenizer
from lmcompare.models.neural import device
from lmcompare.models.windowed import windowed


@click.command("score")
@click.argument("text", required=False)
@click.option(
    "--file", type=click.Path(path_type=Path), help="Score a file, a sentence a line, in place of TEXT."
)
@click.option(
    "--model", "folders", type=click.Path(path_type=Path), multiple=True, help="Model folder; repeatable."
)
@click.option(
    "--experiment", type=click.Path(path_type=Path), help="Models of this experiment (default: quick start)."
)
@click.option("--window", type=click.IntRange(min=1), help="Tokens that a model may see which reads on.")
@click.option("--stride", type=click.IntRange(min=1), help="Tokens by which the window moves [half of it].")
@click.option(
    "--open-vocabulary",
    type=click.IntRange(min=1),
    help="Unseen types that p(<unk>) is spread over where it is charged [those of the text].",
)
@click.option("--tokens", default=60, show_default=True, help="Rows of the table at most; the total has all.")
@device_option
@click.option("--int8", is_flag=True, help="Neural models: also what 8-bit weights cost in perplexity.")
def command(
    text: str | None,
    file: Path | None,
    folders: tuple[Path, ...],
    experiment: Path | None,
    window: int | None,
    stride: int | None,
    open_vocabulary: int | None,
    tokens: int,
    wanted: str,
    int8: bool,
) -> None:
    """Per-token surprisal of TEXT in bits, the total and the perplexity, for each model.

    \b
    Example:
      lmcompare score "the value of the argument is returned"
      lmcompare score --model zh-5gram "我今天去超市买了苹果。"
    """
    if (text is None) == (file is None):
        raise InputError("give either a text or --file", remedy='For example: lmcompare score "a text"')
    lines = _read(file) if file is not None else str(text).splitlines()
    if not lines:
        raise InputError("the text is empty", remedy='For example: lmcompare score "a text"')
    console = Console()
    if stride is not None and window is None:
        raise InputError("--stride says how a window moves", remedy="Give --window too")
    if int8 and window is not None:
        raise InputError("--int8 measures a model as it reads by itself", remedy="Leave --window out")
    click.get_current_context().with_resource(device.on(device.resolve(wanted, "--device")))
    places = chosen_folders(folders, experiment)
    models = {name: open_model(folder) for name, folder in places.items()}
    if int8 and not any(map(is_neural, models.values())):
        remedy = "Leave --int8 out"
        raise InputError("none of these models is a neural network", where="--int8", remedy=remedy)
    for name, model in models.items():
        seen = model if window is None else windowed(model, window, stride)
        _show(console, name, seen, lines, tokens, open_vocabulary)
        settings = {"window": window, "stride": stride, "stated": open_vocabulary}
        signature = signature_of(seen, places[name], lines, **settings)
        for form in (signature.long(), signature.short()):
            console.print(f"signature: {form}", highlight=False, markup=False, soft_wrap=True)
        if int8 and is_neural(model):
            _show_int8(console, name, model, lines)


def _read(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start})", where=str(file)) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(file)) from None
    if not any(lines):
        raise InputError("the file is empty", where=str(file))
    return lines


def _show(
    console: Console, name: str, model: LanguageModel, lines: list[str], most: int, stated: int | None
) -> None:
    ids = model.tokenizer.encode_document(lines)
    logprobs = model.score([ids])[0]
    from lmcompare.reporting import numbers
    from lmcompare.reporting.details import visible

    console.print(name, style="bold", markup=False, highlight=False)
    table = Table()
    table.add_column("token", overflow="fold")
    table.add_column("p(token | before)", justify="right")
    table.add_column("bits", justify="right")
    for text, logprob in list(zip(_shown(model.tokenizer, lines), logprobs.tolist(), strict=True))[:most]:
        table.add_row(
            escape(visible(text)), numbers.factor(logprob), numbers.fixed(-logprob / math.log(2), 2)
        )
    console.print(table)
    if len(ids) > most:
        console.print(f"… and {len(ids) - most:,} more tokens", highlight=False)
    total = float(-np.sum(logprobs)) / math.log(2)
    perplexity = math.exp(total * math.log(2) / len(ids)) if math.isfinite(total) else math.inf
    console.print(
        f"{name}: {len(ids):,} events, {numbers.fixed(total, 2)} bits, "
        f"{numbers.fixed(total / len(ids), 3)} bits per token, perplexity {numbers.fixed(perplexity, 2)}",
        highlight=False,
        markup=False,
    )
    _show_context(console, model, ids)
    print_units(console, spread_of(lines, ids, logprobs, model.tokenizer, stated))


def _show_context(console: Console, model: LanguageModel, ids: Ids) -> None:
    """One line: how many tokens the model could see before an event, on average and at least."""
    from lmcompare.reporting import numbers

    seen = context_of(model, ids, np.array([0, len(ids)]))
    least = "all that stand there"
    if seen.least is not None:
        least = f"at least {seen.least:,} where not all are seen"
    console.print(
        f"context: {numbers.fixed(seen.mean, 1)} tokens before each event on average, {least}",
        highlight=False,
        soft_wrap=True,
    )


def _show_int8(console: Console, name: str, model: LanguageModel, lines: list[str]) -> None:
    """One line: the perplexity of the same text with 8-bit weights beside that with floats, and the sizes."""
    from lmcompare.models.neural.quantisation import quantisation_cost
    from lmcompare.reporting import numbers

    cost = quantisation_cost(cast(Any, model), [model.tokenizer.encode_document(lines)])
    change = cost.int8_perplexity / cost.perplexity - 1
    console.print(
        f"{name}, 8-bit weights: perplexity {numbers.fixed(cost.int8_perplexity, 2)} "
        f"(float: {numbers.fixed(cost.perplexity, 2)}, {change:+.2%}), "
        f"{cost.int8_size / 1e6:.2f} MB of weights (float: {cost.size / 1e6:.2f} MB)",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _shown(tokenizer: Tokenizer, lines: list[str]) -> Iterator[str]:
    """Each event as a person reads it; an unknown token with the text that it stands for."""
    for line in lines:
        encoding, text = tokenizer.encode(line), line.encode()
        for token, (start, end) in zip(encoding.ids.tolist(), encoding.spans.tolist(), strict=True):
            piece = text[start:end].decode(errors="replace")
            unknown = f"({piece.strip() or piece})" if token == tokenizer.unk else ""
            yield tokenizer.token(token) + unknown
        yield tokenizer.token(tokenizer.eos)
