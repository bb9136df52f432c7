"""`lmcompare convert`: n-gram models between ARPA files and model folders, pruned or quantised on the way."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from lmcompare.commands.opening import open_model
from lmcompare.errors import InputError
from lmcompare.models.ngram.compressed import PACKED, refuse_other_packing

_ARPA = (".arpa", ".lm")
_BINARY = (".bin", ".binary", ".klm")


@click.command("convert")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--entropy-prune",
    type=float,
    help="Leave out n-grams that matter less, such as 1e-8 (Kneser-Ney: better in training).",
)
@click.option("--quantise", is_flag=True, help="Eight bits a number: a folder of a third of the size.")
def command(source: Path, target: Path, entropy_prune: float | None, quantise: bool) -> None:
    """Write the n-gram model SOURCE as TARGET; both are an ARPA file or a folder.

    An ARPA file ends in .arpa or .lm, and in .gz, .bz2 or .xz where it is packed; any other name is a folder.

    \b
    Example:
      lmcompare convert zh-5gram zh-5gram.arpa.gz
      lmcompare convert theirs.arpa theirs-small --entropy-prune 1e-8 --quantise
    """
    from lmcompare.models.ngram.arpa import read_arpa
    from lmcompare.models.ngram.arpa_writer import write_arpa
    from lmcompare.models.ngram.model import NgramModel
    from lmcompare.models.ngram.pruning import pruned

    if target.exists():
        what = f"the {'folder' if target.is_dir() else 'file'} exists already"
        raise InputError(what, where=str(target), remedy="Remove it or name another")
    to_arpa = _is_arpa(target)
    if to_arpa and quantise:
        raise InputError(
            "an ARPA file holds no eight-bit numbers", where="--quantise", remedy="Name a folder"
        )
    console = Console()
    with console.status("reading"):
        model = read_arpa(source) if source.is_file() else open_model(source)
    if not isinstance(model, NgramModel):
        what = f"a model of kind {model.kind!r} has no n-gram tables"
        raise InputError(what, where=str(source), remedy="Name a model of kind ngram, or an ARPA file")
    with console.status("converting"):
        before = model.tables.levels[-1] - 1
        model = model if entropy_prune is None else pruned(model, entropy_prune)
        model = model.quantised() if quantise else model
        if to_arpa:
            write_arpa(model, target)
        else:
            model.save(target)
    after = model.tables.levels[-1] - 1
    kept = f"{after:,} n-grams" if after == before else f"{after:,} of {before:,} n-grams"
    console.print(f"wrote {target}: {kept}", highlight=False, markup=False, soft_wrap=True)
    for note in model.notes:
        console.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)


def _is_arpa(target: Path) -> bool:
    """Whether a name is that of an ARPA file; else it is a folder's.

    Errors: `InputError` for a name that says a file of a form that is not written here.
    """
    refuse_other_packing(target)
    suffix = target.suffix.lower()
    if suffix in _BINARY:
        remedy = "Name an .arpa file, and make it binary with KenLM's build_binary"
        raise InputError("KenLM's binary files are not written", where=str(target), remedy=remedy)
    return suffix in (*_ARPA, *PACKED)
