"""`lmcompare corpus`: what texts there are, where they come from, and how to get them."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from lmcompare.commands.watching import TerminalWatcher


@click.group("corpus")
def command() -> None:
    r"""List, show, add and fetch corpora.

    \b
    Example:
      lmcompare corpus list
      lmcompare corpus add wikitext-2 --from ~/data/wikitext-2
    """


@command.command("list")
def list_() -> None:
    r"""All corpora that lmcompare knows, and which are here.

    \b
    Example:
      lmcompare corpus list
    """
    from lmcompare.text.collection import list_corpora

    table = Table()
    for column in ("name", "language", "here", "licence", "how to get it"):
        table.add_column(column)
    for status in list_corpora():
        table.add_row(
            status.name, status.language, "yes" if status.available else "no", status.licence, status.hint
        )
    Console().print(table)


@command.command("show")
@click.argument("name")
@click.option("--sentences", default=5, show_default=True, help="Sentences of each split to print.")
def show(name: str, sentences: int) -> None:
    r"""Sizes, licence, facts and the first sentences of a corpus (a name or a path).

    \b
    Example:
      lmcompare corpus show zh-daily
    """
    from lmcompare.experiment.run import describe_corpus
    from lmcompare.text.sources import open_corpus

    corpus = open_corpus(name)
    info, console = describe_corpus(corpus), Console()
    console.print(f"[bold]{info.name}[/] · {info.language} · {info.licence}", highlight=False)
    console.print(info.title, highlight=False, markup=False)
    table = Table()
    table.add_column("split")
    for column in ("documents", "sentences", "words", "characters", "bytes", "also in train"):
        table.add_column(column, justify="right")
    for split, size in info.splits.items():
        words = "–" if size.words is None else f"{size.words:,}"
        repeated = "" if split == "train" else f"{size.duplicates:,}"
        row = (size.documents, size.sentences, words, size.characters, size.bytes, repeated)
        table.add_row(split, *(f"{value:,}" if isinstance(value, int) else value for value in row))
    console.print(table)
    for fact, value in info.facts.items():
        shown = f"{value:.4f}" if isinstance(value, float) else value
        console.print(f"{fact}: {shown}", highlight=False, markup=False)
    for split in info.splits:
        console.print(f"[dim]{split}")
        for sentence in corpus.sentences(split)[:sentences]:
            console.print(f"  {sentence}", highlight=False, markup=False)


@command.command("add")
@click.argument("name")
@click.option(
    "--from", "folder", type=click.Path(path_type=Path), required=True, help="Folder that holds the files."
)
def add(name: str, folder: Path) -> None:
    r"""Take a corpus's files from a folder, whatever their names, and verify them by checksum.

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
    r"""Download a corpus, verify it by checksum, and keep it; an interrupted download goes on.

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
