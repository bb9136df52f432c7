"""What can be set of a corpus: the `[corpus]` table of an experiment, and the part that recipes share.

Knows nothing of files; it only says which words a table may use and what they mean.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

BLOCKS = re.compile(r"lines:([1-9][0-9]*)")


def _documents(value: str) -> str:
    if value not in ("file", "line", "blank-line") and not BLOCKS.fullmatch(value):
        try:
            re.compile(value, re.MULTILINE)
        except re.error as error:
            raise ValueError(
                f"{value!r} is not file, line, blank-line, lines:N or a regular expression ({error})"
            ) from None
    return value


def _shares(value: tuple[float, float, float]) -> tuple[float, float, float]:
    if not all(0 < share < math.inf for share in value):
        raise ValueError("each of the three shares must be a number above 0")
    return value


class TextOptions(BaseModel):
    """How text becomes documents and splits. `None` means the default that the description names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str | None = Field(None, description="for people; the name by default")
    language: str | None = Field(None, description='BCP 47 tag such as "en" or "zh"; "und" by default')
    words: bool | None = Field(
        None, description="whether spaces part words; by default yes, but not in Chinese, Japanese or Thai"
    )
    licence: str | None = Field(None, description='of the text; "unknown" by default')
    documents: Annotated[str, AfterValidator(_documents)] | None = Field(
        None,
        description="what is one document: file, line, blank-line (parts between blank lines), lines:N "
        "(blocks of N lines) or a regular expression whose matches open one (multi-line mode); by default "
        "file in a folder of several files, else blocks of at most 50 lines; a .jsonl record is always a "
        "document",
    )
    field: str | None = Field(None, description='.jsonl: the field that holds the text; "text" by default')
    keep_blank: bool | None = Field(None, description="keep blank lines as empty sentences; false by default")
    wrap: int | None = Field(
        None,
        ge=10,
        description="cut lines at the last space within so many characters; the space is the line end",
    )
    split: Literal["hash", "stream"] | None = Field(
        None,
        description="unsplit text: hash of the document (default), or stream: train, valid, test in order",
    )
    stream_at: Literal["line", "blank-line"] | None = Field(
        None, description="stream: where a split may end; line by default"
    )
    shares: Annotated[tuple[float, float, float], AfterValidator(_shares)] | None = Field(
        None, description="unsplit text: train, valid, test in any unit; [80, 10, 10] by default"
    )


class CorpusOptions(TextOptions):
    """The text of an experiment: a name, a path, or three paths; what else is set overrules a recipe."""

    name: str | None = Field(None, description="a corpus that `lmcompare corpus list` shows")
    path: str | None = Field(None, description=".txt, .jsonl (each also .gz or .zst) or a folder of these")
    train: str | None = Field(
        None, description="path of the training text; then valid and test are needed too"
    )
    valid: str | None = None
    test: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        separate = [self.train, self.valid, self.test]
        ways = [self.name is not None, self.path is not None, any(path is not None for path in separate)]
        if sum(ways) != 1:
            raise ValueError("give exactly one of: name; path; train, valid and test")
        if ways[2] and None in separate:
            missing = [key for key in ("train", "valid", "test") if getattr(self, key) is None]
            raise ValueError(f"{' and '.join(missing)} must be given too")
        return self
