"""The running interpreter's own documentation as text: its topics and its standard library's docstrings.

Source files are parsed and never imported; compiled modules are imported in a process of their own
(`compiled_docs`). Cleaned into sentences: examples, tables, markup and signatures are dropped. Knows
nothing of splits.
"""

from __future__ import annotations

import ast
import itertools
import json
import os
import platform
import subprocess
import sys
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from lmcompare.errors import InputError
from lmcompare.files import digest, home, read_json, write_json
from lmcompare.text import compiled_docs
from lmcompare.text.corpus import Document
from lmcompare.text.prose import paragraphs_of

CLEANING: Final = 3  # raise it when the cleaning changes: the cached text is then made anew
_SKIPPED: Final = {
    "__phello__",
    "__pycache__",
    "config",
    "ensurepip",
    "idle_test",
    "lib2to3",
    "lib-dynload",
    "pydoc_data",
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "turtledemo",
}


def python_docs(cache: Path | None = None) -> list[Document]:
    """One document a help topic ("topic:assert") and a module ("module:argparse", "module:math").

    Topics come first, then modules with source, then compiled ones, each in the order of their names. A
    paragraph that stands in several places is kept where it stands first. Takes a few seconds the first
    time; the text is kept in `cache` by interpreter.

    Args:
        cache: folder; `files.home() / "python-docs"` by default.

    Raises:
        InputError: this interpreter came without its topics or its library's source.
    """
    library = Path(sysconfig.get_path("stdlib"))
    version = f"{platform.python_implementation()}-{platform.python_version()}".lower()
    path = (
        cache or home() / "python-docs"
    ) / f"{version}-{digest([str(library), sys.version, CLEANING])}.json"
    if path.is_file():
        try:
            return [Document(name, tuple(sentences)) for name, sentences in read_json(path).items()]
        except (InputError, AttributeError, TypeError):
            path.unlink()  # damaged: it is only a copy
    seen: set[tuple[str, ...]] = set()
    documents = [*_topics(seen), *_modules(library, seen), *_compiled(seen)]
    write_json(path, {document.name: document.sentences for document in documents})
    return documents


def _topics(seen: set[tuple[str, ...]]) -> Iterator[Document]:
    try:
        from pydoc_data.topics import topics
    except ImportError:
        remedy = "Install its documentation package, or use a python.org build"
        raise InputError(
            "this Python came without its help topics", where="python-docs", remedy=remedy
        ) from None
    for name in sorted(topics):
        yield from _document(f"topic:{name}", [topics[name]], seen)


def _modules(library: Path, seen: set[tuple[str, ...]]) -> Iterator[Document]:
    found = False
    for path in sorted(_sources(library)):
        parts = path.relative_to(library).parts
        found = True
        name = ".".join(parts).removesuffix(".py").removesuffix(".__init__")
        yield from _document(f"module:{name}", _docstrings(path), seen)
    if not found:
        remedy = "Use a Python whose standard library is installed as source files"
        raise InputError("this Python came without its library's source", where=str(library), remedy=remedy)


def _sources(library: Path) -> Iterator[Path]:
    for folder, inside, files in os.walk(library):
        inside[:] = [name for name in inside if name not in _SKIPPED and not name.startswith("config-")]
        yield from (Path(folder, name) for name in files if name.endswith(".py") and name != "this.py")


def _compiled(seen: set[tuple[str, ...]]) -> Iterator[Document]:
    command = [sys.executable, "-I", "-W", "ignore", compiled_docs.__file__]
    try:
        answer = subprocess.run(command, capture_output=True, check=True, timeout=120)
        modules = [json.loads(line) for line in answer.stdout.splitlines()]
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        what = f"the docstrings of compiled modules cannot be read: {error}"
        raise InputError(what, where=sys.executable or "python-docs") from None
    for name, *texts in modules:
        yield from _document(f"module:{name}", texts, seen)


def _document(name: str, texts: Iterable[str], seen: set[tuple[str, ...]]) -> Iterator[Document]:
    """One document, or none where nothing in it is both prose and new."""
    sentences: list[str] = []
    for paragraph in itertools.chain.from_iterable(map(paragraphs_of, texts)):
        if paragraph not in seen:
            seen.add(paragraph)
            sentences += paragraph
    if sentences:
        yield Document(name, tuple(sentences))


def _docstrings(path: Path) -> Iterator[str]:
    """The docstrings of a module, its classes and functions, in the order of the source."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Odd escapes in the library's own source are not our business.
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            return  # Some files are broken on purpose.
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield text
            stack.extend(reversed(node.body))
        elif isinstance(node, ast.If | ast.Try):
            stack.extend(reversed([*node.body, *node.orelse]))
