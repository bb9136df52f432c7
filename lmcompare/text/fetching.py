"""A named corpus from the network: mirrors one after the other, continued after an interruption.

Knows nothing of how a file travels (`download`) or of what is in it.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from lmcompare.errors import InputError
from lmcompare.files import explain_os_errors, home
from lmcompare.text.collection import Source, data_folder, how_to_get, install, sources_in
from lmcompare.text.download import Report, download
from lmcompare.text.recipes import Checked, Download, Recipe, find_recipe


def fetch_corpus(name: str, report: Report = lambda progress: None) -> Path:
    """Download a named corpus, unless it is here already.

    Mirrors are tried in the recipe's order; what has arrived is kept and continued by the next call.

    Returns:
        its folder.

    Raises:
        InputError: no download is known, or none gave the right file (with the reason of each).
    """
    recipe = find_recipe(name)
    if recipe.source != "files":
        raise InputError(f"{name!r} is made on this machine, there is nothing to fetch", where="corpus")
    if not recipe.downloads:
        what = f"no address is known for {name!r}; its text comes from: {recipe.origin}"
        raise InputError(what, where="corpus", remedy=f"Get it there, then type {how_to_get(name, recipe)}")
    with contextlib.suppress(InputError):  # Absent or damaged: that is what we are here for.
        return data_folder(name, recipe)
    work = home() / "downloads" / name
    with explain_os_errors(work):
        work.mkdir(parents=True, exist_ok=True)
    sources: dict[str, Source] = {}
    reasons: list[tuple[str, str]] = []
    for load in recipe.downloads:
        if not set(load.targets) <= sources.keys():
            path = _fetch(load, recipe, work, report, reasons)
            if path:
                sources |= sources_in(load, path)
    missing = [file.name for file in recipe.files if file.name not in sources]
    if missing:
        remedy = f"Try again later, or get the files and type `lmcompare corpus add {name} --from DIR`"
        what = f"{', '.join(missing)} could not be fetched: {_grouped(reasons)}"
        raise InputError(what, where=f"corpus {name}", remedy=remedy)
    try:
        folder = install(name, recipe, sources, report)
    except InputError:
        # What no checksum vouches for may be the fault; what is known to be right is kept for the next call.
        for load in recipe.downloads:
            if load.members and not load.known:
                _path(load, work).unlink(missing_ok=True)
        raise
    shutil.rmtree(work, ignore_errors=True)
    return folder


def _fetch(
    load: Download, recipe: Recipe, work: Path, report: Report, reasons: list[tuple[str, str]]
) -> Path | None:
    """The first mirror's file that is right, or none and a reason for each mirror."""
    check: Checked = load
    if load.file and not load.known:
        check = next(file for file in recipe.files if file.name == load.file)
    for url in load.urls:
        path = _path(load, work)
        if path.is_file() and not check.fault(path):
            return path
        try:
            download(url, path, check, report)
        except InputError as error:
            if error.where != url:
                raise  # Not the server's fault, so no mirror will do better: the disk is full, or the like.
            reasons.append((error.what, url))
        else:
            return path
    return None


def _path(load: Download, work: Path) -> Path:
    return work / (load.file or load.urls[0].rpartition("/")[2])


def _grouped(reasons: list[tuple[str, str]]) -> str:
    """Each reason once, with the addresses that it was met at, or their hosts where they are several."""
    places: dict[str, list[str]] = {}
    for reason, place in reasons:
        places.setdefault(reason, []).append(place)
    hosts = {
        reason: list(dict.fromkeys(urlsplit(place).hostname or place for place in found))
        if found[1:]
        else found
        for reason, found in places.items()
    }
    return "; ".join(f"{reason} ({', '.join(found)})" for reason, found in hosts.items())
