"""`lmcompare predict`: the next tokens of several models side by side."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lmcompare.commands.opening import chosen_models


@click.command("predict")
@click.argument("text")
@click.option(
    "--model", "folders", type=click.Path(path_type=Path), multiple=True, help="Model folder; repeatable."
)
@click.option(
    "--experiment", type=click.Path(path_type=Path), help="Models of this experiment (default: quick start)."
)
@click.option(
    "-k", "count", type=click.IntRange(1, 1000), default=8, show_default=True, help="Tokens a model."
)
def command(text: str, folders: tuple[Path, ...], experiment: Path | None, count: int) -> None:
    """The most probable next tokens after TEXT, with their probabilities.

    \b
    Example:
      lmcompare predict "the value of the"
      lmcompare predict --experiment reports/zh-daily "我今天去超市买了"
    """
    from lmcompare.evaluation.chain import predict
    from lmcompare.reporting import numbers
    from lmcompare.reporting.details import visible

    models = chosen_models(folders, experiment)
    console = Console()
    console.print(f"after “{text}”", markup=False, highlight=False)
    table = Table()
    table.add_column("", justify="right")
    for name in models:
        table.add_column(name)
        table.add_column("p", justify="right")
    found = [predict(model, text, count) for model in models.values()]
    for rank in range(max(map(len, found))):
        cells: list[str] = []
        for candidates in found:
            if rank < len(candidates):
                token = visible(candidates[rank].token)
                cells += [escape(token), numbers.probability(candidates[rank].probability)]
            else:
                cells += ["", ""]
        table.add_row(str(rank + 1), *cells)
    console.print(table)
