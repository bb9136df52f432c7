"""The `lmcompare` command: gathers the modules of `lmcompare.commands` and turns faults into sentences."""

from __future__ import annotations

import importlib
import signal
import sys
from types import FrameType
from typing import Any

import click

import lmcompare
from lmcompare import stopping
from lmcompare.errors import InputError

COMMANDS = {
    "run": "Run an experiment: train, score, sample, compare, report.",
    "train": "Train one model on a corpus and save it.",
    "find-lr": "Try learning rates for a model of an experiment, and suggest one.",
    "score": "Per-token surprisals of a text, its total and its perplexity.",
    "predict": "The next tokens with their probabilities, models side by side.",
    "explain": "Where one probability of an n-gram model comes from, order by order.",
    "generate": "Let a model write.",
    "corpus": "List, show, add and fetch corpora.",
    "count": "The n-grams of a corpus with their counts, as a file.",
    "convert": "N-gram models between ARPA files and folders; pruned, quantised.",
    "models": "The kinds of model and their options.",
    "laws": "Check a model against the laws that every language model keeps.",
    "report": "Rebuild a report from results, without training.",
    "export": "Per-token scores of an experiment as a table: Parquet or NPZ.",
    "schema": "JSON schema of experiment files and of results.",
}


class Gathered(click.Group):
    """Loads a command's module only when it is asked for, so that `--help` is quick."""

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command `name` of module `lmcompare.commands.<name>`, a dash as a low line."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(
            f"lmcompare.commands.{name.replace('-', '_')}"
        ).command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """One line a command, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Gathered, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(lmcompare.__version__, prog_name="lmcompare")
def cli() -> None:
    """Compare classical and neural language models.

    \b
    Example:
      lmcompare run                             the quick start: n-gram, LSTM, transformer
      lmcompare run reports/wikitext-2          another experiment
      lmcompare predict "the value of the"      what its models expect next
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line.

    Exit code 0 (also when asked by SIGTERM to stop what can be gone on with), 1 (a law is broken), 2 (bad
    input) or 130 (interrupted).
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return cli.main(arguments, prog_name="lmcompare", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except InputError as error:
        click.echo(f"lmcompare: {error}", err=True)
        sys.exit(2)
    except stopping.Stopped:
        click.echo("\nlmcompare: stopped. Run the same command again to go on (resume).", err=True)
        sys.exit(0)
    except (KeyboardInterrupt, click.Abort):
        click.echo("\nlmcompare: interrupted. Run the same command again to continue.", err=True)
        sys.exit(130)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
