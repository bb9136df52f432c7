"""The running interpreter's own documentation as text: its topics and its standard library's docstrings.

Source files are parsed and never imported. Cleaned into sentences: examples, tables, markup and
signatures are dropped. Knows nothing of splits.
"""

from __future__ import annotations

import ast
import itertools
import platform
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lmcompare.errors import InputError
from lmcompare.files import digest, home, read_json, write_json
from lmcompare.text.corpus import Document
from lmcompare.text.prose import sentences_of

CLEANING: Final = 1  # raise it when the cleaning changes: the cached text is then made anew
_SKIPPED: Final = {
    "__phello__",
    "__pycache__",
    "config",
    "ensurepip",
    "idle_test",
    "idlelib",
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
    """One document a topic ("topic:assert") and a module ("module:argparse"), in the order of their names.

    A docstring that stands in several places is kept where it stands first. Takes a few seconds the
    first time; the text is kept in `cache` by interpreter.

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
    seen: set[str] = set()
    documents = [*_topics(seen), *_modules(library, seen)]
    write_json(path, {document.name: document.sentences for document in documents})
    return documents


def _topics(seen: set[str]) -> Iterator[Document]:
    try:
        from pydoc_data.topics import topics
    except ImportError:
        remedy = "Install its documentation package, or use a python.org build"
        raise InputError(
            "this Python came without its help topics", where="python-docs", remedy=remedy
        ) from None
    for name in sorted(topics):
        if topics[name] not in seen:
            seen.add(topics[name])
            sentences = tuple(sentences_of(topics[name]))
            if sentences:
                yield Document(f"topic:{name}", sentences)


def _modules(library: Path, seen: set[str]) -> Iterator[Document]:
    found = False
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).parts
        if any(part in _SKIPPED or part.startswith("config-") for part in parts) or parts[-1] == "this.py":
            continue
        found = True
        texts = [text for text in _docstrings(path) if not (text in seen or seen.add(text))]  # type: ignore[func-returns-value]
        sentences = tuple(itertools.chain.from_iterable(map(sentences_of, texts)))
        if sentences:
            name = ".".join(parts).removesuffix(".py").removesuffix(".__init__")
            yield Document(f"module:{name}", sentences)
    if not found:
        remedy = "Use a Python whose standard library is installed as source files"
        raise InputError("this Python came without its library's source", where=str(library), remedy=remedy)


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
