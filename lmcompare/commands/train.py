"""`lmcompare train`: one model on one corpus, saved as a folder."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from lmcompare import registry, stopping
from lmcompare.commands.device_option import device_option
from lmcompare.commands.settings import read_settings, tokenizer_options
from lmcompare.commands.training_text import open_text, part_used, record
from lmcompare.commands.watching import TerminalWatcher
from lmcompare.errors import InputError
from lmcompare.experiment.spec import check_options
from lmcompare.files import explain_os_errors
from lmcompare.interface import LanguageModel
from lmcompare.models.neural import device

_READ_NO_TEXT = ("kenlm", "source")
"""Kinds that take no more of a corpus than its event space."""


@click.command("train")
@click.argument("kind")
@click.argument("corpus")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder for the model; must be new."
)
@click.option(
    "--tokenizer", default="word", show_default=True, help="byte, char, word, bpe or a table: see below."
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of the model, as in TOML."
)
@click.option("--seed", default=1, show_default=True, help="Fixes every random choice.")
@click.option("--threads", default=1, show_default=True, help="Threads of the training.")
@device_option
@click.option("--all", "whole", is_flag=True, help="Train on the whole text: nothing is held out.")
def command(
    kind: str,
    corpus: str,
    out: Path,
    tokenizer: str,
    settings: tuple[str, ...],
    seed: int,
    threads: int,
    wanted: str,
    whole: bool,
) -> None:
    """Train a model of KIND on CORPUS (a name of `lmcompare corpus list`, or a path).

    Killed, or asked by SIGTERM to stop, the same command goes on from the last checkpoint.

    \b
    Example:
      lmcompare train ngram zh-daily --tokenizer char --set order=5 --out zh-5gram
      lmcompare train lstm my.txt --tokenizer 'kind="bpe", size=2000' --out my-lstm
    """
    from lmcompare.generation.short_text import short_text
    from lmcompare.text.encoded import encode_corpus
    from lmcompare.text.tokenizers import build

    family = registry.models.get(kind, where="KIND")
    options = check_options(family.options, read_settings(settings), f"--set of {kind}")
    space = tokenizer_options(tokenizer)
    if out.exists():
        raise InputError("the folder exists already", where=str(out), remedy="Remove it or name another")
    place = device.resolve(wanted, "--device")
    console = Console()
    with stopping.listening(), device.on(place), TerminalWatcher(console) as watcher:
        watcher.stage("reading the corpus")
        text = open_text(corpus, whole)
        encoded = encode_corpus(text, build(space, text.sentences("train")))
        watcher.cells([kind], [])
        work = out.with_name(f".{out.name}.work")
        with explain_os_errors(work):
            work.mkdir(parents=True, exist_ok=True)
        model = family.train(
            registry.Training(
                options=options,
                tokenizer=encoded.tokenizer,
                train=encoded.train.documents,
                valid=encoded.valid.documents,
                seed=seed,
                folder=work,
                threads=threads,
                progress=lambda progress: watcher.progress(kind, progress),
                write=short_text,
                device=place,
            )
        )
        model.save(out)
        _keep_records(work, out)
        reads = kind not in _READ_NO_TEXT and getattr(options, "counts", None) is None
        if reads:
            record(out, corpus, whole, text)
        watcher.finished(kind)
    if reads:
        console.print(part_used(encoded, "trained on"), highlight=False, markup=False, soft_wrap=True)
    if told := _weights(model):
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    if told := _speed(model):
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    for note in getattr(model, "notes", ()):
        console.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)
    told = f"wrote {out}: {model.parameters:,} parameters"
    console.print(told, highlight=False, markup=False, soft_wrap=True)


def _weights(model: LanguageModel) -> str:
    """What a mixture gives to each of its members; of one whose weights differ by context, the range."""
    if model.kind != "mixture":
        return ""
    from lmcompare.models.mixture.linear import LinearMixture
    from lmcompare.models.mixture.log_linear import LogLinearMixture

    if isinstance(model, LogLinearMixture):
        what, each = "powers", model.powers[None]
    elif isinstance(model, LinearMixture):
        what, each = "weights", model.weights
    else:
        return ""
    if len(each) > 1:
        what = f"{what} (by {len(each):,} kinds of context)"
    low, high = each.min(axis=0).tolist(), each.max(axis=0).tolist()
    shares = [
        f"{name} {least:.3f}" if len(each) == 1 else f"{name} {least:.3f} to {most:.3f}"
        for name, least, most in zip(model.names, low, high, strict=True)
    ]
    return f"{what}: {', '.join(shares)}"


def _speed(model: LanguageModel) -> str:
    """How fast a network was trained, and how much of the device that used."""
    from lmcompare.models.inside import HasTrainingSpeed

    speed = model.training_speed() if isinstance(model, HasTrainingSpeed) else None
    if speed is None:
        return ""
    where = speed.device or f"{speed.threads} thread{'s' if speed.threads > 1 else ''}"
    told = f"trained at {speed.tokens_per_second:,.0f} tokens per second ({where}, {speed.precision})"
    if speed.utilisation is None or speed.product_flops_per_second is None:
        return told
    share = f"{speed.utilisation:.1%} of the {speed.product_flops_per_second / 1e9:,.0f} billion operations"
    return f"{told}: {share} per second of a {speed.product_side:,} x {speed.product_side:,} matrix product"


def _keep_records(work: Path, out: Path) -> None:
    """The curve, and what else was written line by line, stays beside the model's files."""
    import shutil

    with explain_os_errors(out):
        for record in work.glob("*.jsonl"):
            shutil.copyfile(record, out / record.name)
    shutil.rmtree(work, ignore_errors=True)
