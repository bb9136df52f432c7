"""`lmcompare count`: the n-grams of a corpus with their counts, as a text file."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from lmcompare.commands.settings import tokenizer_options
from lmcompare.errors import InputError


@click.command("count")
@click.argument("corpus")
@click.option("--order", type=click.IntRange(1, 8), default=3, show_default=True, help="Longest n-grams.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="File; .gz, .bz2 and .xz are packed."
)
@click.option("--tokenizer", default="word", show_default=True, help="byte, char, word, bpe or a table.")
@click.option("--highest", is_flag=True, help="Leave out the lower orders, which can be summed up again.")
def command(corpus: str, order: int, out: Path, tokenizer: str, highest: bool) -> None:
    """Count the n-grams of CORPUS's training text, a line each: its words, a tab, its count.

    \b
    Example:
      lmcompare count my.txt --order 3 --out counts.gz
      lmcompare train ngram my.txt --set counts=counts.gz --set order=3 --out my-3gram
    """
    from lmcompare.models.ngram.count_files import write_counts
    from lmcompare.models.ngram.counts import count, lay_out
    from lmcompare.text.encoded import encode_corpus
    from lmcompare.text.sources import open_corpus
    from lmcompare.text.tokenizers import build

    space = tokenizer_options(tokenizer)
    if out.exists():
        raise InputError("the file exists already", where=str(out), remedy="Remove it or name another")
    console = Console()
    with console.status("counting"):
        text = open_corpus(corpus)
        encoded = encode_corpus(text, build(space, text.sentences("train")))
        made = encoded.tokenizer
        stream = lay_out(encoded.train.documents, made.bos, made.eos)
        levels = count(stream, order, made.size, made.bos)
    with console.status("writing"):
        write_counts(levels, made, out, lower=not highest)
    sizes = [int((level.counts > 0).sum()) for level in levels]
    told = ", ".join(f"{size:,} of order {n}" for n, size in enumerate(sizes, 1))
    console.print(f"wrote {out}: {told}", highlight=False, markup=False, soft_wrap=True)
