"""The option `--device` of the commands that train or score networks.

Knows nothing of what a command does with it.
"""

from __future__ import annotations

import click

device_option = click.option(
    "--device",
    "wanted",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where networks are: auto is a GPU where torch sees one.",
)
