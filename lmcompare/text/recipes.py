"""Recipes: what a named corpus is, where its text comes from, and how each file is known to be right.

One folder a corpus, `corpora/<name>/corpus.toml`; a user's own stand in `files.home() / "corpora"`.
Knows nothing of downloading or reading the text itself.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from lmcompare.errors import InputError
from lmcompare.files import MANIFEST, home, shipped
from lmcompare.text.options import TextOptions

RECIPE = "corpus.toml"
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://")]


def _hex(digits: int) -> StringConstraints:
    return StringConstraints(pattern=rf"^[0-9a-f]{{{digits}}}$")


class Checked(BaseModel):
    """Size and checksums of a file, as far as they are published; all that are given must agree."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: int | None = Field(None, ge=1)
    sha256: Annotated[str, _hex(64)] | None = None
    sha1: Annotated[str, _hex(40)] | None = None
    md5: Annotated[str, _hex(32)] | None = None

    @property
    def known(self) -> bool:
        """Whether there is a checksum to tell the right file by."""
        return bool(self.sha256 or self.sha1 or self.md5)

    def fault(self, path: Path) -> str:
        """What is wrong with a file, with the expected and the found value; "" where nothing is."""
        size = path.stat().st_size
        if self.bytes is not None and size != self.bytes:
            return f"it has {size:,} bytes, {self.bytes:,} are expected"
        for kind in ("sha256", "sha1", "md5"):
            expected = getattr(self, kind)
            found = _checksum(path, kind) if expected else None
            if found != expected:
                return f"wrong checksum: {kind} {expected} is expected, {found} was found"
        return ""


def _checksum(path: Path, kind: str) -> str:
    # md5 and sha1 guard against mishaps only, and must work where a machine's policy bars them as security.
    state = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()


class TextFile(Checked):
    """One text file of a corpus as it is kept, and the split that it holds (`None`: all three)."""

    name: FileName
    split: Literal["train", "valid", "test"] | None = None


class Download(Checked):
    """One thing to fetch: a text file itself (`file`), or an archive with text files in it (`members`).

    An archive is a .zip, a .tar (also packed), or a .gz, which is one file whatever its member is called.

    Later downloads are tried for what earlier ones could not give.
    """

    urls: list[Url] = Field(min_length=1)
    file: FileName | None = None
    members: dict[str, FileName] = Field({}, description="name inside the archive -> name of the text file")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.file is None) == (not self.members):
            raise ValueError("give either file or members")
        return self

    @property
    def targets(self) -> list[str]:
        """Names of the text files that it gives."""
        return [self.file] if self.file else list(self.members.values())


class Recipe(TextOptions):
    """A named corpus. The text options say how its text becomes documents and splits."""

    source: Literal["files", "python-docs", "grammar", "synthetic"] = "files"
    origin: str = Field(description="whose text it is and where it was published")
    notes: list[str] = Field([], description="what a reader of results must know")
    files: list[TextFile] = []
    downloads: list[Download] = []

    @model_validator(mode="after")
    def _whole(self) -> Self:
        missing = [key for key in ("title", "language", "words", "licence") if getattr(self, key) is None]
        if missing:
            raise ValueError(f"a recipe must give {', '.join(missing)}")
        if (self.source == "files") != bool(self.files):
            raise ValueError('files are needed with source = "files", and with no other source')
        splits = {file.split for file in self.files}
        if splits and splits not in ({None}, {"train", "valid", "test"}):
            raise ValueError("either no file names a split, or all do and each split has one")
        names = {file.name for file in self.files}
        unknown = [name for load in self.downloads for name in load.targets if name not in names]
        if unknown:
            raise ValueError(f"a download gives files that are not listed: {', '.join(unknown)}")
        if len(names) != len(self.files) or names & {RECIPE, MANIFEST}:
            raise ValueError(f"two files have one name, or one is called {RECIPE} or {MANIFEST}")
        return self


def recipe_names() -> list[str]:
    """Every named corpus: shipped ones and the user's own, sorted."""
    folders = [shipped("corpora"), home() / "corpora"]
    found = {path.parent.name for folder in folders for path in folder.glob(f"*/{RECIPE}")}
    return sorted(name for name in found if not name.startswith("."))  # A folder in the making is hidden.


def find_recipe(name: str) -> Recipe:
    """The recipe of a named corpus; raises `InputError` with the nearest names where there is none."""
    names = recipe_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, 2)
        listed = " or ".join(map(repr, near))
        remedy = f"Did you mean {listed}?" if near else f"There are {', '.join(names)}"
        raise InputError(f"there is no corpus {name!r}", where="corpus.name", remedy=remedy)
    return read_recipe(recipe_folder(name) / RECIPE)


def recipe_folder(name: str) -> Path:
    """Where the recipe of a named corpus stands; one that came with lmcompare goes before the user's own."""
    folder = shipped("corpora") / name
    return folder if (folder / RECIPE).is_file() else home() / "corpora" / name


def read_recipe(path: Path) -> Recipe:
    """A recipe file, checked; raises `InputError` with the place of every fault."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"not a recipe: {error}", where=str(path)) from None
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'recipe'}: {e['msg']}" for e in error.errors()]
        raise InputError("; ".join(faults), where=str(path)) from None
