"""`lmcompare schema`: JSON schemas, for editors and for other programs."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.argument("what", type=click.Choice(["experiment", "results"]), default="experiment")
def command(what: str) -> None:
    """JSON schema of an experiment file, or of results.json.

    \b
    Example:
      lmcompare schema > experiment.schema.json
      lmcompare schema results
    """
    if what == "results":
        from lmcompare.evaluation.results import Results

        described = Results.model_json_schema()
    else:
        from lmcompare.experiment.spec import schema

        described = schema()
    click.echo(json.dumps(described, indent=1, ensure_ascii=False))
