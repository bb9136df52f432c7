"""The named corpora of this machine: which there are, fetching one, taking one that the user has.

The text of a corpus is one folder, `files.home() / "corpora" / <name>`, whole or absent, with a
manifest. Knows nothing of documents and splits.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from lmcompare.errors import InputError
from lmcompare.files import MANIFEST, check_folder, explain_os_errors, home, new_folder
from lmcompare.registry import Progress
from lmcompare.text.download import Report, download, extract
from lmcompare.text.recipes import RECIPE, Checked, Download, Recipe, find_recipe, read_recipe, recipe_names


@dataclass(frozen=True, slots=True)
class CorpusStatus:
    """One line of `lmcompare corpus list`.

    Attributes:
        name, title, language, licence: as in the recipe.
        available: whether it can be opened now, without a download.
        hint: what to type to get it; "" where it is available.
    """

    name: str
    title: str
    language: str
    licence: str
    available: bool
    hint: str


@dataclass(frozen=True, slots=True)
class _Source:
    """Where one text file was found: a file, or a member of an archive."""

    path: Path
    member: str | None


def list_corpora() -> list[CorpusStatus]:
    """Every named corpus, sorted by name; a recipe that cannot be read says so in its hint."""
    found = []
    for name in recipe_names():
        try:
            recipe = find_recipe(name)
        except InputError as error:
            found.append(CorpusStatus(name, name, "", "", False, str(error)))
            continue
        available = recipe.source != "files" or (data_path(name) / MANIFEST).is_file()
        hint = "" if available else how_to_get(name, recipe)
        row = (name, recipe.title or name, recipe.language or "", recipe.licence or "", available, hint)
        found.append(CorpusStatus(*row))
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


def fetch_corpus(name: str, progress: Report | None = None) -> Path:
    """Download a named corpus, unless it is here already.

    Mirrors are tried in the recipe's order; what has arrived is kept and continued by the next call.

    Returns:
        its folder.

    Raises:
        InputError: no download is known, or none gave the right file (with the reason of each).
    """
    report = progress or _silent
    recipe = find_recipe(name)
    if recipe.source != "files":
        raise InputError(f"{name!r} is made on this machine, there is nothing to fetch", where="corpus")
    if not recipe.downloads:
        what = f"no address is known for {name!r}; its text comes from: {recipe.origin}"
        raise InputError(what, where="corpus", remedy=f"Get it there, then type {how_to_get(name, recipe)}")
    try:
        return data_folder(name, recipe)
    except InputError:
        work = home() / "downloads" / name
    with explain_os_errors(work):
        work.mkdir(parents=True, exist_ok=True)
    sources: dict[str, _Source] = {}
    reasons: list[str] = []
    for load in recipe.downloads:
        if not set(load.targets) <= sources.keys():
            path = _fetch(load, recipe, work, report, reasons)
            if path:
                sources |= _sources(load, path)
    missing = [file.name for file in recipe.files if file.name not in sources]
    if missing:
        remedy = f"Try again later, or get the files and type `lmcompare corpus add {name} --from DIR`"
        what = f"{', '.join(missing)} could not be fetched: {'; '.join(reasons)}"
        raise InputError(what, where=f"corpus {name}", remedy=remedy)
    folder = _install(name, recipe, sources, report)
    shutil.rmtree(work, ignore_errors=True)
    return folder


def add_corpus(name: str, folder: Path, progress: Report | None = None) -> Path:
    """Take a named corpus from files that the user has, known by size and checksum, whatever their names.

    Archives (as published) and unpacked files are both recognised. A folder with a
    `corpus.toml` of its own adds a new named corpus.

    Args:
        name: of the corpus.
        folder: where the files are, at any depth.
        progress: called for each file.

    Returns:
        the corpus's folder in `files.home()`.

    Raises:
        InputError: a file is missing, or one has the right name or size and a wrong checksum.
    """
    report = progress or _silent
    if not folder.is_dir():
        raise InputError("there is no such folder", where=str(folder))
    own = folder / RECIPE
    recipe = read_recipe(own) if own.is_file() and name not in recipe_names() else find_recipe(name)
    if recipe.source != "files":
        raise InputError(f"{name!r} is made on this machine, there is nothing to add", where="corpus")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    faults: list[str] = []
    sources: dict[str, _Source] = {}
    for file in recipe.files:
        names = _names_of(recipe, file.name)
        by_name = not recipe.downloads and not file.known
        found = _find(files, file, names, by_name, faults)
        if found:
            sources[file.name] = _Source(found, None)
    for load in recipe.downloads:
        if load.members and not set(load.targets) <= sources.keys():
            archive = _find(files, load, {url.rpartition("/")[2] for url in load.urls}, False, faults)
            if archive:
                sources = _sources(load, archive) | sources
    missing = [file for file in recipe.files if file.name not in sources]
    if missing and faults:
        raise InputError(faults[0], where=str(folder), remedy=f"Get it anew; it comes from: {recipe.origin}")
    if missing:
        listed = ", ".join(
            f"{file.name} ({file.bytes:,} bytes)" if file.bytes else file.name for file in missing
        )
        archives = [load.urls[0].rpartition("/")[2] for load in recipe.downloads if load.members]
        remedy = f"Give a folder with these files{' or ' + ' or '.join(archives) if archives else ''}"
        raise InputError(f"not found here: {listed}", where=str(folder), remedy=remedy)
    return _install(name, recipe, sources, report, own if own.is_file() else None)


def _silent(progress: Progress) -> None:
    """Nobody watches."""


def _fetch(load: Download, recipe: Recipe, work: Path, report: Report, reasons: list[str]) -> Path | None:
    """The first mirror's file that is right, or none and a reason for each mirror."""
    check: Checked = load
    if load.file and not load.known:
        check = next(file for file in recipe.files if file.name == load.file)
    for url in load.urls:
        path = work / (load.file or url.rpartition("/")[2])
        if path.is_file() and not check.fault(path):
            return path
        try:
            download(url, path, check, report)
        except InputError as error:
            reasons.append(str(error).rstrip("."))
        else:
            return path
    return None


def _sources(load: Download, path: Path) -> dict[str, _Source]:
    if load.file:
        return {load.file: _Source(path, None)}
    return {target: _Source(path, member) for member, target in load.members.items()}


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
            fault = check.fault(path)
            if not fault:
                return path
            suspects.append(f"{path.name} is not the right file, {fault}")
    faults += suspects
    return None


def _install(
    name: str, recipe: Recipe, sources: dict[str, _Source], report: Report, own: Path | None = None
) -> Path:
    folder = data_path(name)
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
