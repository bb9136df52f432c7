"""`lmcompare explain`: the back-off path of one prediction, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from lmcompare.commands.opening import chosen_folders, experiment_path, open_model
from lmcompare.commands.training_text import Origin, origin_of
from lmcompare.errors import InputError
from lmcompare.experiment.spec import read_experiment
from lmcompare.interface import Ids

if TYPE_CHECKING:
    from lmcompare.models.ngram.model import NgramModel


@click.command("explain")
@click.argument("text")
@click.option(
    "--model", "folders", type=click.Path(path_type=Path), multiple=True, help="Model folder; repeatable."
)
@click.option(
    "--experiment", type=click.Path(path_type=Path), help="Models of this experiment (default: quick start)."
)
@click.option(
    "--corpus",
    help="What the model was trained on, for the counts: a name or a path [where `train` found it].",
)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of the table.")
def command(
    text: str, folders: tuple[Path, ...], experiment: Path | None, corpus: str | None, lang: str
) -> None:
    """How the n-gram models arrive at the probability of the last token of TEXT, given those before it.

    For an unbounded model also: where the end of TEXT was seen in its training text.

    \b
    Example:
      lmcompare explain "the value of the"
      lmcompare explain --model my-5gram "the value of the"
    """
    from lmcompare.evaluation.explanation import explain
    from lmcompare.generation.loop import encode_prompt
    from lmcompare.models.ngram.model import NgramModel
    from lmcompare.models.ngram.sightings import sightings
    from lmcompare.models.ngram.unbounded import UnboundedModel
    from lmcompare.reporting.explanation import explanation_table
    from lmcompare.reporting.language import language
    from lmcompare.reporting.sightings import sightings_table
    from lmcompare.reporting.terminal import print_table

    places = chosen_folders(folders, experiment)
    origins = _origins(corpus, places, None if folders else experiment_path(experiment))
    models = {name: open_model(folder) for name, folder in places.items()}
    console, shown = Console(), 0
    for name, model in models.items():
        if isinstance(model, UnboundedModel):
            ids = encode_prompt(model.tokenizer, text)
            seen = sightings(model.index, ids)
            print_table(sightings_table(seen, model.tokenizer, text, language(lang), name), console)
            console.print()
            path = explain(model, text)
            if path is not None:
                print_table(explanation_table(path, language(lang), name), console)
                console.print()
            shown += 1
        if not isinstance(model, NgramModel):
            continue
        with console.status("reading the corpus"):
            documents, why = _training(name, model, origins[name], named=corpus is not None)
        found = explain(model, text, documents)
        if found is not None:
            print_table(explanation_table(found, language(lang), name), console)
            if why:
                console.print(why, style="yellow", highlight=False, markup=False)
            console.print()
            shown += 1
    if not shown:
        what = f"none of these has back-off tables: {', '.join(models)}"
        raise InputError(what, remedy="Name a model of kind ngram or unbounded with --model")


def _origins(
    corpus: str | None, places: Mapping[str, Path], experiment: Path | None
) -> dict[str, Origin | None]:
    """The text that each model was trained on, where that is known.

    Args:
        corpus: what the user named: it holds for all.
        places: the models' folders by name.
        experiment: whose models they are; `None`: folders were named.
    """
    if corpus is not None:
        return {name: Origin(corpus, Path()) for name in places}
    if experiment is None:
        return {name: origin_of(folder) for name, folder in places.items()}
    spec = read_experiment(experiment)
    return {
        model.name: Origin(model.corpus or spec.head.corpus, spec.folder)
        for model in spec.models
        if model.name in places
    }


def _training(name: str, model: NgramModel, origin: Origin | None, named: bool) -> tuple[Sequence[Ids], str]:
    """The documents that a model was trained on, or why there are none.

    Args:
        name: of the model.
        model: it.
        origin: the text, where it is known.
        named: whether the user named it; then it must be there.
    """
    from lmcompare.text.encoded import encode_corpus

    events = model.settings.get("events")
    if events is None:
        return (), f"counts and discounts: not known of {name}, which was read from a file"
    if origin is None:
        return (), f"counts and discounts: add --corpus, the text that {name} was trained on"
    try:
        texts = origin.open()
    except InputError:
        if named:
            raise
        why = f"{origin.name}, which {name} was trained on, is not there any more"
        return (), f"counts and discounts: add --corpus; {why}"
    for text in texts:
        documents = encode_corpus(text, model.tokenizer).train.documents
        if origin.hash in (None, text.hash) and sum(map(len, documents)) == events:
            return documents, ""
    if named:
        return (), f"{name} was not trained on {texts[0].name}: no counts are shown"
    why = f"{origin.name} is not the text any more that {name} was trained on"
    return (), f"counts and discounts: add --corpus; {why}"
