"""`lmcompare export`: one row a token with what every model gave it, as Parquet or NPZ."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from lmcompare.commands.opening import experiment_path


@click.command("export")
@click.argument("experiment", type=click.Path(path_type=Path), required=False)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File: .parquet or .npz.")
@click.option("--split", type=click.Choice(["valid", "test"]), default="test", help="Which text.")
def command(experiment: Path | None, out: Path, split: str) -> None:
    """Write log p of every token under every model of EXPERIMENT, which has been run.

    Columns: document, sentence, position, id, token, and for each model its natural log p (a model's seeds
    have a column each). Models that predict other tokens than the first one are left out, and named.

    \b
    Example:
      lmcompare export reports/quickstart --out tokens.parquet
    """
    from lmcompare.evaluation.per_token import write
    from lmcompare.experiment.tokens import token_columns

    console = Console()
    table, left_out = token_columns(experiment_path(experiment), "valid" if split == "valid" else "test")
    write(out, table)
    rows = len(next(iter(table.values())))
    console.print(f"wrote {out}: {rows:,} rows, {len(table)} columns", highlight=False, markup=False)
    for name in left_out:
        console.print(f"left out, since it predicts other tokens: {name}", highlight=False, markup=False)
