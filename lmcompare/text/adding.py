"""A named corpus from files that the user has: found by size and checksum, whatever their names.

Knows nothing of the network.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from lmcompare.errors import InputError
from lmcompare.files import shipped
from lmcompare.text.collection import Source, install, sources_in
from lmcompare.text.download import Report
from lmcompare.text.recipes import RECIPE, Checked, Recipe, TextFile, find_recipe, read_recipe, recipe_names

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def add_corpus(name: str, folder: Path, report: Report = lambda progress: None) -> Path:
    """Take a named corpus from files that the user has, known by size and checksum, whatever their names.

    Archives (as published) and unpacked files are both recognised. A folder with a
    `corpus.toml` of its own adds a new named corpus, or a new version of one that was added so.

    Args:
        name: of the corpus.
        folder: where the files are, at any depth; or the one file or archive.
        report: called for each file.

    Returns:
        the corpus's folder in `files.home()`.

    Raises:
        InputError: a file is missing, or one has the right name or size and a wrong checksum.
    """
    if not folder.exists():
        raise InputError("there is no such folder", where=str(folder))
    recipe, own = _recipe_for(name, folder)
    if recipe.source != "files":
        raise InputError(f"{name!r} is made on this machine, there is nothing to add", where="corpus")
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else [folder]
    faults: list[str] = []
    sources: dict[str, Source] = {}
    for file in recipe.files:
        names = _names_of(recipe, file.name)
        by_name = not recipe.downloads and not file.known
        found = _find(files, file, names, by_name, faults)
        if found:
            sources[file.name] = Source(found, None)
    for load in recipe.downloads:
        if load.members and not set(load.targets) <= sources.keys():
            archive = _find(files, load, {url.rpartition("/")[2] for url in load.urls}, False, faults)
            if archive:
                sources = sources_in(load, archive) | sources
    missing = [file for file in recipe.files if file.name not in sources]
    if missing and faults:
        raise InputError(faults[0], where=str(folder), remedy=f"Get it anew; it comes from: {recipe.origin}")
    if missing:
        raise _not_found(recipe, missing, folder)
    return install(name, recipe, sources, report, own)


def _recipe_for(name: str, folder: Path) -> tuple[Recipe, Path | None]:
    """The recipe of a corpus to add, and where it stands when it is the folder's own."""
    own = folder / RECIPE
    if own.is_file() and not (shipped("corpora") / name / RECIPE).is_file():
        if not _NAME.fullmatch(name):
            remedy = "Use letters, digits, hyphens and points"
            raise InputError(f"{name!r} cannot be the name of a corpus", where="corpus", remedy=remedy)
        return read_recipe(own), own
    try:
        return find_recipe(name), None
    except InputError as error:
        if name in recipe_names():
            raise
        what = f"{error.what}; text of your own needs no adding, its path can stand where a name can"
        raise InputError(what, where="corpus", remedy=error.remedy) from None


def _not_found(recipe: Recipe, missing: list[TextFile], folder: Path) -> InputError:
    archives = [load for load in recipe.downloads if load.members and load.known]
    named = {load.urls[0].rpartition("/")[2]: load for load in archives}
    wanted: dict[str, Checked] = {file.name: file for file in missing}
    if archives and not any(file.known for file in missing):
        # Only the archive can be told by a checksum.
        wanted, named = dict(named), {}
    listed = ", ".join(f"{name} ({c.bytes:,} bytes)" if c.bytes else name for name, c in wanted.items())
    remedy = f"Give a folder with {'these files' if len(wanted) > 1 else 'it'}"
    remedy += f", or with {' or '.join(named)}" if named else ""
    return InputError(f"not found here: {listed}", where=str(folder), remedy=remedy)


def _names_of(recipe: Recipe, name: str) -> set[str]:
    """What a text file may be called where the user has it: as kept, or as in an archive."""
    members = {
        member.rpartition("/")[2]
        for load in recipe.downloads
        for member, target in load.members.items()
        if target == name
    }
    return {name} | members


def _find(
    files: list[Path], check: Checked, names: set[str], by_name: bool, faults: list[str]
) -> Path | None:
    """The file that is right; what has the right name or size and is wrong goes to `faults`."""
    suspects = []
    for path in files:
        if by_name:
            if path.name in names:
                return path
            continue
        same_size = check.bytes is not None and path.stat().st_size == check.bytes
        if check.known and (same_size or path.name in names):
            fault = _fault(check, path)
            if not fault:
                return path
            suspects.append(f"{path.name} is not the right file, {fault}")
    faults += suspects
    return None


def _fault(check: Checked, path: Path) -> str:
    try:
        return check.fault(path)
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
