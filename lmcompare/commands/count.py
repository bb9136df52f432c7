"""`lmcompare count`: the n-grams of a corpus with their counts, as a text file."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from lmcompare.commands.settings import tokenizer_options
from lmcompare.commands.training_text import open_text, part_used
from lmcompare.errors import InputError


@click.command("count")
@click.argument("corpus")
@click.option("--order", type=click.IntRange(1, 8), default=3, show_default=True, help="Longest n-grams.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="File; .gz, .bz2 and .xz are packed."
)
@click.option("--tokenizer", default="word", show_default=True, help="byte, char, word, bpe or a table.")
@click.option("--highest", is_flag=True, help="Leave out the lower orders, which can be summed up again.")
@click.option("--all", "whole", is_flag=True, help="Count the whole text, not its training part alone.")
def command(corpus: str, order: int, out: Path, tokenizer: str, highest: bool, whole: bool) -> None:
    """Count the n-grams of CORPUS's training part, a line each: its words, a tab, its count.

    A text that comes in one piece is split as `lmcompare train` splits it, so that the counts are those of a
    model. With --all, they are those that other tools find in the same file.

    \b
    Example:
      lmcompare count my.txt --order 3 --out counts.gz
      lmcompare train ngram my.txt --set counts=counts.gz --set order=3 --out my-3gram
    """
    from lmcompare.models.ngram.count_files import write_counts
    from lmcompare.models.ngram.counts import count, lay_out
    from lmcompare.text.encoded import encode_corpus
    from lmcompare.text.tokenizers import build

    space = tokenizer_options(tokenizer)
    if out.exists():
        raise InputError("the file exists already", where=str(out), remedy="Remove it or name another")
    console = Console()
    with console.status("counting"):
        text = open_text(corpus, whole)
        encoded = encode_corpus(text, build(space, text.sentences("train")))
        made = encoded.tokenizer
        stream = lay_out(encoded.train.documents, made.bos, made.eos)
        levels = count(stream, order, made.size, made.bos)
    with console.status("writing"):
        lines = write_counts(levels, made, out, lower=not highest)
    told = ", ".join(f"{size:,} of order {n}" for n, size in enumerate(lines, 1) if size)
    for sentence in (part_used(encoded, "counted"), f"wrote {out}: {told}"):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
