"""`lmcompare score`: the surprisal of every token of a text."""

from __future__ import annotations

import math
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from lmcompare.commands.opening import chosen_models
from lmcompare.errors import InputError
from lmcompare.interface import LanguageModel


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
@click.option("--tokens", default=60, show_default=True, help="Rows of the table at most; the total has all.")
def command(
    text: str | None, file: Path | None, folders: tuple[Path, ...], experiment: Path | None, tokens: int
) -> None:
    r"""Per-token surprisal of TEXT in bits, the total and the perplexity, for each model.

    \b
    Example:
      lmcompare score "the value of the argument is returned"
      lmcompare score --model zh-5gram "我今天去超市买了苹果。"
    """
    if (text is None) == (file is None):
        raise InputError("give either a text or --file", remedy='For example: lmcompare score "a text"')
    lines = _read(file) if file is not None else str(text).splitlines()
    console = Console()
    for name, model in chosen_models(folders, experiment).items():
        _show(console, name, model, lines, tokens)


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


def _show(console: Console, name: str, model: LanguageModel, lines: list[str], most: int) -> None:
    ids = model.tokenizer.encode_document(lines)
    logprobs = model.score([ids])[0]
    table = Table(title=name, title_justify="left", title_style="bold")
    table.add_column("token")
    table.add_column("p(token | before)", justify="right")
    table.add_column("bits", justify="right")
    for token, logprob in list(zip(ids.tolist(), logprobs.tolist(), strict=True))[:most]:
        bits = -logprob / math.log(2)
        table.add_row(
            model.tokenizer.token(token).replace("[", "\\["), f"{math.exp(logprob):.4g}", f"{bits:.2f}"
        )
    console.print(table)
    if len(ids) > most:
        console.print(f"… and {len(ids) - most:,} more tokens", highlight=False)
    total = float(-np.sum(logprobs)) / math.log(2)
    perplexity = math.exp(total * math.log(2) / len(ids)) if math.isfinite(total) else math.inf
    console.print(
        f"{name}: {len(ids):,} events, {total:,.2f} bits, {total / len(ids):.3f} bits per token, "
        f"perplexity {perplexity:,.2f}",
        highlight=False,
    )
    if model.tokenizer.unk is not None and (unknown := int(np.sum(ids == model.tokenizer.unk))):
        console.print(f"{unknown:,} of them unknown to the tokenizer (<unk>)", highlight=False)
