"""`lmcompare report`: the report again, from `results.json`, without training."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from lmcompare.commands.opening import experiment_path
from lmcompare.experiment.run import read_results


@click.command("report")
@click.argument("experiment", type=click.Path(path_type=Path), required=False)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of the report.")
@click.option("--notebook/--no-notebook", default=True, help="Also write and execute report.ipynb.")
@click.option("--markdown", is_flag=True, help="Print the table as Markdown, for a README; write no file.")
def command(experiment: Path | None, lang: str, notebook: bool, markdown: bool) -> None:
    """Rebuild the report of EXPERIMENT (its folder, its TOML file, or a results.json).

    \b
    Example:
      lmcompare report reports/quickstart --lang zh
      lmcompare report reports/quickstart --markdown
    """
    from lmcompare.reporting.comparison import Comparison
    from lmcompare.reporting.report import write_report
    from lmcompare.reporting.terminal import print_comparison

    path = experiment_path(experiment)
    results = read_results(path)
    if markdown:
        from lmcompare.reporting.markdown import to_markdown

        click.echo(to_markdown(Comparison(results, lang)), nl=False)
        return
    console = Console()
    with console.status("writing the report"):
        written = write_report(results, path if path.is_dir() else path.parent, lang, notebook=notebook)
    print_comparison(Comparison(results, lang), console)
    for file in written:
        console.print(f"wrote {file}", highlight=False, markup=False, soft_wrap=True)
