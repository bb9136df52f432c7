"""`lmcompare models`: the kinds of model, and what may be set of each."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from lmcompare import registry


@click.command("models")
@click.argument("kind", required=False)
def command(kind: str | None) -> None:
    """The kinds of model; with KIND, the options that its [[models]] table may set.

    \b
    Example:
      lmcompare models
      lmcompare models lstm
    """
    console = Console()
    if kind is None:
        table = Table()
        table.add_column("kind")
        table.add_column("what it is")
        for name in registry.models.names():
            table.add_row(name, registry.models.get(name).summary)
        console.print(table)
        return
    family = registry.models.get(kind)
    console.print(family.summary, highlight=False)
    table = Table()
    for column in ("option", "default", "what it does"):
        table.add_column(column)
    described = _documented(family.options.__mro__)
    for name, field in family.options.model_fields.items():
        default = "required" if field.is_required() else repr(field.get_default(call_default_factory=True))
        table.add_row(name, default, field.description or described.get(name, ""))
    console.print(table)


def _documented(classes: tuple[type, ...]) -> dict[str, str]:
    """Option -> its sentence in the `Attributes:` part of the class's docstring."""
    found: dict[str, str] = {}
    for owner in classes:
        own, name = dict[str, str](), ""
        for line in (owner.__doc__ or "").partition("Attributes:")[2].splitlines():
            text = line.strip()
            if line.startswith("        ") and not line.startswith("         ") and ": " in text:
                name, _, text = text.partition(": ")
                own[name] = text
            elif text and name:
                own[name] += " " + text
        found = own | found
    return found
