"""`lmcompare laws`: a model against the laws of autoregressive language models."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from lmcompare import laws
from lmcompare.commands.opening import open_model


@click.command("laws")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--tolerance", default=laws.TOLERANCE, show_default=True, help="Largest deviation, natural log."
)
def command(model: Path, tolerance: float) -> None:
    """Check the model saved in folder MODEL; exit code 1 if a law is broken.

    \b
    Example:
      lmcompare laws zh-5gram
    """
    table = Table()
    table.add_column("law")
    table.add_column("")
    table.add_column("worst deviation", justify="right")
    table.add_column("note")
    results = laws.check(open_model(model), tolerance=tolerance)
    signs = {True: "[green]pass", False: "[red]FAIL", None: "[dim]skipped"}
    for result in results:
        deviation = "" if result.passed is None else f"{result.deviation:.1e}"
        table.add_row(result.law, signs[result.passed], deviation, result.note)
    Console().print(table)
    if any(result.passed is False for result in results):
        sys.exit(1)
