"""`lmcompare run`: an experiment from its file to its report."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import click
from rich.console import Console

from lmcompare import stopping
from lmcompare.commands.opening import experiment_path
from lmcompare.commands.settings import read_settings
from lmcompare.commands.watching import TerminalWatcher
from lmcompare.experiment.spec import read_experiment


@click.command("run")
@click.argument("experiment", type=click.Path(path_type=Path), required=False)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of the report.")
@click.option("--notebook/--no-notebook", default=True, help="Also write and execute report.ipynb.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="In place of the file's, for this run: seeds=[1,2,3], models.LSTM.epochs=2, "
    "'evaluation.gap.enabled=true'; a model's name with spaces stands in quotes. May be repeated.",
)
def command(experiment: Path | None, lang: str, notebook: bool, settings: tuple[str, ...]) -> None:
    """Run EXPERIMENT (a TOML file or its folder; the quick start by default) and write its report.

    What was trained before is not trained again; a run that was killed goes on where it was. Asked by SIGTERM
    to stop, it ends each training's present step, keeps a checkpoint and leaves with code 0.

    \b
    Example:
      lmcompare run
      lmcompare run reports/wikitext-2 --lang zh
      lmcompare run --set seeds=[1,2,3] --set models.LSTM.epochs=2
    """
    from lmcompare.experiment.run import run
    from lmcompare.reporting.comparison import Comparison
    from lmcompare.reporting.report import write_report
    from lmcompare.reporting.terminal import print_comparison

    begin, console = time.perf_counter(), Console()
    path = experiment_path(experiment)
    spec = read_experiment(path, read_settings(settings))
    asked = [word for setting in settings for word in ("--set", setting)]
    typed = shlex.join(["lmcompare", "run", *([str(experiment)] if experiment else []), *asked])
    with stopping.listening(), TerminalWatcher(console) as watcher:
        results = run(spec, watcher, command=typed)
        watcher.stage("writing the report")
        written = write_report(results, spec.folder, lang, notebook=notebook)
    print_comparison(Comparison(results, lang), console)
    for file in written:
        console.print(f"wrote {file}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"[dim]{time.perf_counter() - begin:.0f} s in all")
