"""`lmcompare corpus`: what texts there are, where they come from, and how to get them."""

from __future__ import annotations

from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lmcompare.commands.watching import TerminalWatcher


@click.group("corpus")
def command() -> None:
    """List, show, add and fetch corpora.

    \b
    Example:
      lmcompare corpus list
      lmcompare corpus add wikitext-2 --from ~/data/wikitext-2
    """


@command.command("list")
def list_() -> None:
    """All corpora that lmcompare knows, and which are here.

    \b
    Example:
      lmcompare corpus list
    """
    from lmcompare.text.collection import list_corpora

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0), pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("language", no_wrap=True)
    table.add_column("how to get it", no_wrap=True)
    table.add_column("text")
    for status in list_corpora():
        how = "is here" if status.available else " or ".join(status.ways)
        table.add_row(*map(escape, (status.name, status.language, how, status.title)))
    console = Console()
    console.print(table)
    console.print("fetch: lmcompare corpus fetch NAME            downloads it", highlight=False)
    console.print("add:   lmcompare corpus add NAME --from DIR   takes files that you have", highlight=False)


@command.command("show")
@click.argument("name")
@click.option(
    "--sentences",
    type=click.IntRange(0),
    default=5,
    show_default=True,
    help="Sentences of each split to print.",
)
def show(name: str, sentences: int) -> None:
    """Sizes, licence, facts and the first sentences of a corpus (a name or a path).

    \b
    Example:
      lmcompare corpus show zh-daily
    """
    from lmcompare.experiment.run import describe_corpus
    from lmcompare.text.recipes import find_recipe, recipe_names
    from lmcompare.text.sources import open_corpus

    corpus = open_corpus(name)
    info, console = describe_corpus(corpus), Console()
    console.print(f"[bold]{escape(info.name)}[/] · {info.language} · {escape(info.licence)}", highlight=False)
    console.print(info.title, highlight=False, markup=False)
    if corpus.name in recipe_names() and corpus.name == name:
        recipe = find_recipe(name)
        console.print(f"From: {recipe.origin}", highlight=False, markup=False)
        notes = Table.grid(padding=(0, 1))
        for note in recipe.notes:
            notes.add_row("·", escape(note))
        console.print(notes)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0), pad_edge=False)
    table.add_column("split", no_wrap=True)
    for column in ("documents", "sentences", "words", "characters", "bytes", "in train too"):
        table.add_column(column, justify="right", no_wrap=True)
    for split, size in info.splits.items():
        words = "–" if size.words is None else f"{size.words:,}"
        repeated = "" if split == "train" else f"{size.duplicates:,}"
        row = (size.documents, size.sentences, words, size.characters, size.bytes, repeated)
        table.add_row(split, *(f"{value:,}" if isinstance(value, int) else value for value in row))
    console.print(table)
    facts = Table.grid(padding=(0, 2))
    for fact, value in info.facts.items():
        facts.add_row(fact.replace("_", " "), f"{value:.4f}" if isinstance(value, float) else escape(value))
    console.print(facts)
    for split in info.splits:
        shown = [sentence for sentence in corpus.sentences(split) if sentence.strip()][:sentences]
        if shown:
            console.print(f"\n[dim]{split}")
        for sentence in shown:
            line = f"  {sentence.strip()}"
            console.print(line, highlight=False, markup=False, no_wrap=True, overflow="ellipsis")


@command.command("add")
@click.argument("name")
@click.option(
    "--from", "folder", type=click.Path(path_type=Path), required=True, help="Folder that holds the files."
)
def add(name: str, folder: Path) -> None:
    """Take a corpus's files from a folder, whatever their names, and verify them by checksum.

    \b
    Example:
      lmcompare corpus add wikitext-2 --from ~/data/wikitext-2
    """
    from lmcompare.text.adding import add_corpus

    console = Console()
    with TerminalWatcher(console) as watcher:
        watcher.stage(f"verifying {name}")
        where = add_corpus(name, folder, lambda progress: watcher.progress(name, progress))
    console.print(f"{name} is verified and stands in {where}", highlight=False, markup=False, soft_wrap=True)


@command.command("fetch")
@click.argument("name")
def fetch(name: str) -> None:
    """Download a corpus, verify it by checksum, and keep it; an interrupted download goes on.

    \b
    Example:
      lmcompare corpus fetch tinyshakespeare
    """
    from lmcompare.text.fetching import fetch_corpus

    console = Console()
    with TerminalWatcher(console) as watcher:
        watcher.stage(f"fetching {name}")
        where = fetch_corpus(name, lambda progress: watcher.progress(name, progress))
    console.print(f"{name} is verified and stands in {where}", highlight=False, markup=False, soft_wrap=True)
