"""Options of the analyses `minimal_pairs` and `cloze`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from lmcompare.evaluation.options.base import Options

Spacing = Literal["as written", "signs apart"]


class MinimalPairsOptions(Options):
    """Pairs of sentences of which one is right: how often the model finds it more probable."""

    files: list[Path] = Field(
        default_factory=list,
        description="BLiMP's or SLING's .jsonl files, tables (.csv: good, bad, phenomenon, paradigm), or "
        "their folders; relative to the folder one is in; none: nothing is tested",
    )
    each: int = Field(default=100, ge=0, description="pairs of each paradigm, evenly spaced; 0: all")
    spacing: Spacing = Field(
        default="as written",
        description='"signs apart" puts spaces around signs, for words of a corpus such as WikiText',
    )

    def named_files(self) -> list[Path]:
        """See `registry.named_files`."""
        from lmcompare.evaluation.targeted.reading import files_of

        return files_of(self.files)


class ClozeOptions(Options):
    """Texts whose last word is asked for: how often the model would have written it."""

    files: list[Path] = Field(
        default_factory=list, description='.jsonl files in the form of LAMBADA: a line is {"text": "..."}'
    )
    most: int = Field(default=1000, ge=0, description="texts, evenly spaced; 0: all")
    spacing: Spacing = Field(default="as written", description="as for minimal_pairs")

    def named_files(self) -> list[Path]:
        """See `registry.named_files`."""
        from lmcompare.evaluation.targeted.reading import files_of

        return files_of(self.files)
