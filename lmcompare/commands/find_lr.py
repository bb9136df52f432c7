"""`lmcompare find-lr`: how the loss goes as the learning rate rises, and a rate to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from lmcompare import registry
from lmcompare.commands.opening import experiment_path
from lmcompare.commands.watching import TerminalWatcher
from lmcompare.errors import InputError
from lmcompare.experiment.spec import Experiment, ModelSpec, read_experiment
from lmcompare.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 12
"""Rows of the table, at even places of the sweep."""


@click.command("find-lr")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--model", "name", help="Which model; needed where several are trained by gradients.")
@click.option("--plot", type=click.Path(path_type=Path), help="Also draw it (.svg or .png).")
def command(experiment: Path, name: str | None, plot: Path | None) -> None:
    """Raise the learning rate of a model of EXPERIMENT step by step and watch the loss.

    The training is thrown away and nothing is written but the plot. The suggestion stands somewhat below the
    rate from which on the loss no longer falls (Smith 2017); a training with another batch, length or
    optimiser needs another one.

    \b
    Example:
      lmcompare find-lr reports/wikitext-2 --model lstm --plot lr.svg
    """
    if plot is not None and plot.suffix not in (".svg", ".png"):
        raise InputError(f"a plot ends in .svg or .png, not {plot.suffix!r}", where="--plot")
    spec = read_experiment(experiment_path(experiment))
    model = _model(spec, name)
    console = Console()
    with TerminalWatcher(console) as watcher:
        sweep = _sweep(spec, model, watcher)
    if not sweep.rates:
        what = "the loss is not a number at the lowest rate already"
        raise InputError(what, where=model.name, remedy="Set a much smaller lr and try again")
    console.print(_table(sweep))
    console.print(f"suggested: {_told(sweep)}   (set now: lr = {sweep.set_lr:g})", highlight=False)
    if plot is not None:
        from lmcompare.reporting.drawing import to_png, to_svg

        figure = draw(sweep, model.name)
        write_bytes(plot, to_png(figure) if plot.suffix == ".png" else _page(to_svg(figure)))
        console.print(f"wrote {plot}", highlight=False, markup=False)


def _model(spec: Experiment, name: str | None) -> ModelSpec:
    able = [model for model in spec.models if hasattr(registry.models.get(model.kind), "find_lr")]
    names = ", ".join(model.name for model in able) or "none"
    if name is None and len(able) == 1:
        return able[0]
    found = next((model for model in able if model.name == name), None)
    if found is not None:
        return found
    if name in [model.name for model in spec.models]:
        what = f"{name!r} is not trained by gradients, so it has no learning rate"
    else:
        what = "several models have a learning rate" if name is None else f"there is no model {name!r}"
    raise InputError(what, where=str(spec.path), remedy=f"Set --model to one of: {names}")


def _sweep(spec: Experiment, model: ModelSpec, watcher: TerminalWatcher) -> Any:
    from lmcompare.text.encoded import encode_corpus
    from lmcompare.text.sources import open_corpus
    from lmcompare.text.tokenizers import build

    watcher.stage("reading the corpus")
    corpus = open_corpus(spec.head.corpus, base=spec.folder)
    encoded = encode_corpus(corpus, build(model.tokenizer, corpus.sentences("train")))
    text = encoded
    if model.corpus is not None:
        text = encode_corpus(open_corpus(model.corpus, base=spec.folder), encoded.tokenizer)
    watcher.cells([model.name], [])
    family: Any = registry.models.get(model.kind)
    return family.find_lr(
        registry.Training(
            options=model.options,
            tokenizer=encoded.tokenizer,
            train=text.train.documents,
            valid=[],
            seed=model.seeds[0],
            folder=spec.folder,
            threads=spec.head.threads,
            device=spec.head.device,
            progress=lambda progress: watcher.progress(model.name, progress),
        )
    )


def _told(sweep: Any) -> str:
    tables = f", embedding_lr = {sweep.embedding_lr:g}" if sweep.embedding_lr is not None else ""
    return f"lr = {sweep.lr:g}{tables}"


def _table(sweep: Any) -> Table:
    table = Table()
    for column in ("learning rate", "loss, nats", "smoothed"):
        table.add_column(column, justify="right")
    best = min(range(len(sweep.rates)), key=lambda place: sweep.smooth[place])
    every = max(1, -(-len(sweep.rates) // ROWS))
    for place in sorted({*range(0, len(sweep.rates), every), best, len(sweep.rates) - 1}):
        mark = "  smallest" if place == best else ""
        row = (f"{sweep.rates[place]:.2g}", f"{sweep.losses[place]:.3f}", f"{sweep.smooth[place]:.3f}{mark}")
        table.add_row(*row)
    return table


def draw(sweep: Any, name: str) -> Figure:
    """Loss over learning rate, with the suggestion."""
    from matplotlib.figure import Figure

    from lmcompare.reporting.drawing import FAINT, INK, look, style

    with style():
        figure = Figure(figsize=(6.4, 3.6))
        axes = figure.add_subplot()
        axes.plot(sweep.rates, sweep.losses, color=FAINT, linewidth=0.8, label="each step")
        axes.plot(sweep.rates, sweep.smooth, color=look(0).colour, linewidth=2, label="smoothed")
        axes.axvline(sweep.lr, color=look(1).colour, linestyle="--", label=f"suggested: {sweep.lr:g}")
        axes.axvline(sweep.set_lr, color=INK, linestyle=":", linewidth=1, label=f"set now: {sweep.set_lr:g}")
        low, high = min(sweep.losses), max(sweep.smooth[0], *sweep.losses[:10])
        axes.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda rate, place: f"{rate:g}")
        axes.set_xlabel("learning rate, raised at every step")
        axes.set_ylabel("training loss, nats per token")
        axes.set_title(f"{name}: how high the learning rate may be")
        axes.legend()
    return figure


def _page(svg: str) -> bytes:
    """An SVG file of its own: ink is black where there is no page to take it from."""
    return svg.replace("<svg ", '<svg color="black" ', 1).encode()
