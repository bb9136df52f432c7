"""`lmcompare explain`: the back-off path of one prediction, as a table."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from lmcompare.commands.opening import chosen_models, experiment_path
from lmcompare.errors import InputError
from lmcompare.experiment.spec import read_experiment
from lmcompare.text.corpus import Corpus


@click.command("explain")
@click.argument("text")
@click.option(
    "--model", "folders", type=click.Path(path_type=Path), multiple=True, help="Model folder; repeatable."
)
@click.option(
    "--experiment", type=click.Path(path_type=Path), help="Models of this experiment (default: quick start)."
)
@click.option("--corpus", help="What --model was trained on, for the counts: a name or a path.")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of the table.")
def command(
    text: str, folders: tuple[Path, ...], experiment: Path | None, corpus: str | None, lang: str
) -> None:
    """How the n-gram models arrive at the probability of the last token of TEXT, given those before it.

    \b
    Example:
      lmcompare explain "the value of the"
      lmcompare explain --model my-5gram --corpus my.txt "the value of the"
    """
    from lmcompare.evaluation.explanation import explain
    from lmcompare.reporting.explanation import explanation_table
    from lmcompare.reporting.language import language
    from lmcompare.reporting.terminal import print_table
    from lmcompare.text.encoded import encode_corpus

    models = chosen_models(folders, experiment)
    console, shown = Console(), 0
    with console.status("reading the corpus"):
        training = _corpus(corpus, folders, experiment)
    for name, model in models.items():
        documents = [] if training is None else encode_corpus(training, model.tokenizer).train.documents
        found = explain(model, text, documents)
        if found is not None:
            print_table(explanation_table(found, language(lang), name), console)
            if documents and found.steps[0].seen is None:
                what = f"{name} was not trained on {training.name if training else ''}: no counts are shown"
                console.print(what, style="yellow", highlight=False, markup=False)
            console.print()
            shown += 1
    if not shown:
        what = f"none of these has back-off tables: {', '.join(models)}"
        raise InputError(what, remedy="Name a model of kind ngram with --model")


def _corpus(corpus: str | None, folders: tuple[Path, ...], experiment: Path | None) -> Corpus | None:
    """The text that the models were trained on, where that is known."""
    from lmcompare.text.sources import open_corpus

    if corpus is not None:
        return open_corpus(corpus)
    if folders:
        return None
    spec = read_experiment(experiment_path(experiment))
    return open_corpus(spec.head.corpus, base=spec.folder)
