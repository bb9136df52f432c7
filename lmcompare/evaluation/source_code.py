"""The code that computes scores, as digests: an edit that could move a score is seen without a new version.

Of lmcompare itself what log p depends on, and of each plug-in all of its package. What others wrote counts by
its version (see `signature`). Knows nothing of what is kept under these digests.
"""

from __future__ import annotations

import functools
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path

import lmcompare
from lmcompare import registry
from lmcompare.files import digest, sha256

SCORING = ("*.py", "text/**/*.py", "models/**/*.py", *(f"evaluation/{n}.py" for n in ("scoring", "units")))
"""What the scores of a model and a text depend on; statistics and the report come after them."""
COMPILED = (".py", ".so", ".pyd", ".dylib")


def code_of(kinds: Iterable[str]) -> dict[str, str]:
    """Digests by package: lmcompare's own, and that of each plug-in which one of these models comes from."""
    packages = {package for kind in kinds for package in _packages(kind)} - {lmcompare.__name__}
    return {lmcompare.__name__: own_code(), **{name: package_code(name) for name in sorted(packages)}}


@functools.cache
def own_code() -> str:
    """Of lmcompare's modules that compute scores, `SCORING`; read once in a process."""
    root = Path(lmcompare.__file__).parent
    return of_files(root, [file for pattern in SCORING for file in root.glob(pattern)])


@functools.cache
def package_code(name: str) -> str:
    """Of all modules of a package that has been imported, or of its one file; read once in a process."""
    module = sys.modules[name]
    if roots := [Path(place) for place in getattr(module, "__path__", [])]:
        found = [file for root in roots for file in root.rglob("*") if file.suffix in COMPILED]
        return of_files(roots[0].parent, found)
    if file := getattr(module, "__file__", None):
        return of_files(Path(file).parent, [Path(file)])
    # Typed in by hand: nobody can tell whether it is the same as the last time.
    return secrets.token_hex(8)


def of_files(root: Path, files: Iterable[Path]) -> str:
    """Of files by their names below `root` and what is in them."""
    return digest(sorted((file.relative_to(root).as_posix(), sha256(file)) for file in files))


def _packages(kind: str) -> set[str]:
    """The packages that a kind of model comes from."""
    if kind not in registry.models.names():
        return set()
    family = registry.models.get(kind)
    modules = [getattr(each, "__module__", None) for each in (family, family.train, family.load)]
    return {module.partition(".")[0] for module in modules if isinstance(module, str)}
