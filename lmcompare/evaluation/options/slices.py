"""Options of the analysis `slices`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from lmcompare.evaluation.options.base import Options


class SlicesOptions(Options):
    """Mean surprisal of kinds of events: by how rare, how new, where and what they are."""

    enabled: bool = Field(default=True, description="costs a few seconds: the scores are there")
    tags: Path | None = Field(
        default=None,
        description="file with one tag for each word of the headline split: CoNLL-U (its upos is read), or a "
        "line of tags for each sentence; relative to the folder one is in",
    )
