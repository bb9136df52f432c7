"""The named corpora of this machine: which there are, and the folder with the text of each.

That folder, `files.home() / "corpora" / <name>`, is whole or absent, with a manifest. Knows nothing of
where files come from (`fetching`, `adding`), of documents or of splits.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lmcompare.errors import InputError
from lmcompare.files import MANIFEST, check_folder, home, new_folder
from lmcompare.registry import Progress
from lmcompare.text.download import Report, extract
from lmcompare.text.recipes import RECIPE, Download, Recipe, find_recipe, recipe_folder, recipe_names


@dataclass(frozen=True, slots=True)
class CorpusStatus:
    """One line of `lmcompare corpus list`.

    Attributes:
        name, title, language, licence: as in the recipe.
        available: whether it can be opened now, without a download.
        ways: how to get it, "fetch" and "add"; none where it is available, or where its recipe has a fault.
    """

    name: str
    title: str
    language: str
    licence: str
    available: bool
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where one text file was found: a file, or a member of an archive."""

    path: Path
    member: str | None


def list_corpora() -> list[CorpusStatus]:
    """Every named corpus, sorted by name; a recipe that cannot be read says so in its title."""
    found = []
    for name in recipe_names():
        try:
            recipe = find_recipe(name)
        except InputError as error:
            found.append(CorpusStatus(name, str(error), "", "", False, ()))
            continue
        available = recipe.source != "files" or (data_path(name) / MANIFEST).is_file()
        ways = ("fetch", "add") if recipe.downloads else ("add",)
        row = (name, recipe.title or name, recipe.language or "", recipe.licence or "", available)
        found.append(CorpusStatus(*row, () if available else ways))
    return found


def data_path(name: str) -> Path:
    """The folder in which a named corpus's text is, or will be."""
    return home() / "corpora" / name


def how_to_get(name: str, recipe: Recipe) -> str:
    """What to type to have a corpus."""
    add = f"`lmcompare corpus add {name} --from DIR`"
    return f"`lmcompare corpus fetch {name}` or {add}" if recipe.downloads else add


def data_folder(name: str, recipe: Recipe) -> Path:
    """The folder with a named corpus's verified text; raises `InputError` that says how to get it."""
    folder = data_path(name)
    remedy = f"Type {how_to_get(name, recipe)}"
    if not (folder / MANIFEST).is_file():
        raise InputError(
            f"the text of {name!r} is not on this machine", where=f"corpus {name}", remedy=remedy
        )
    try:
        check_folder(folder)
    except InputError as error:
        raise InputError(error.what, where=error.where, remedy=remedy) from None
    return folder


def sources_in(load: Download, path: Path) -> dict[str, Source]:
    """The text files that a download gives, where they are in the file that it came as."""
    if load.file:
        return {load.file: Source(path, None)}
    return {target: Source(path, member) for member, target in load.members.items()}


def install(
    name: str, recipe: Recipe, sources: Mapping[str, Source], report: Report, own: Path | None = None
) -> Path:
    """Copy or unpack a corpus's files into its folder, each checked again on its way.

    Args:
        name: of the corpus.
        recipe: what it is.
        sources: each file of the recipe by its name.
        report: called for each file.
        own: the recipe's file, to be kept beside the text; one that is there already is kept as well.
    """
    folder = data_path(name)
    if own is None and recipe_folder(name) == folder:
        own = folder / RECIPE
    with new_folder(folder, replace=True) as temporary:
        for number, file in enumerate(recipe.files):
            report(Progress(f"checking {file.name}", number, len(recipe.files)))
            source = sources[file.name]
            if source.member is None:
                shutil.copyfile(source.path, temporary / file.name)
            else:
                extract(source.path, source.member, temporary / file.name, file)
        if own:
            shutil.copyfile(own, temporary / RECIPE)
        for file in recipe.files:  # A file may have changed under our hands since it was checked.
            fault = file.fault(temporary / file.name)
            if fault:
                raise InputError(f"{file.name} is not the right file, {fault}", where=str(folder))
        report(Progress("done", len(recipe.files), len(recipe.files)))
    return folder
