"""Docstrings of the standard library's compiled modules, as JSON lines; run as a script.

A compiled module has no source to parse, so it must be imported, and an import may leave something
behind: in a child process that is of no consequence. Imports nothing of lmcompare.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import inspect
import json
import sys
import types
from collections.abc import Iterator

# Not documentation, or with effects outside the process (readline talks to the terminal).
_SKIPPED = ("_test", "_ctypes_test", "_xx", "xx", "readline", "_tkinter", "_freeze")


def compiled_modules() -> list[str]:
    """Names of the standard library's modules that are compiled, sorted."""
    names = []
    for name in sorted(sys.stdlib_module_names):
        if name.startswith(_SKIPPED):
            continue
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            continue
        origin = spec.origin or "" if spec else ""
        if origin == "built-in" or origin.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)):
            names.append(name)
    return names


def docstrings(module: types.ModuleType) -> Iterator[str]:
    """Docstrings of a module, then of what it defines, depth first in the order of the names."""
    seen: set[int] = set()
    stack: list[object] = [module]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        space = vars(node) if isinstance(node, types.ModuleType | type) else {}
        # Of a class only its own: `inspect.getdoc` would give its parent's where it has none.
        text = space.get("__doc__") if space else getattr(node, "__doc__", None)
        if isinstance(text, str) and text.strip():
            yield inspect.cleandoc(text)
        inside = [space[name] for name in sorted(space)]
        if isinstance(node, types.ModuleType):
            inside = [value for value in inside if callable(value)]
        stack.extend(value for value in reversed(inside) if _documented(value))


def _documented(value: object) -> bool:
    kinds = (types.GetSetDescriptorType, types.MemberDescriptorType, classmethod, staticmethod, property)
    return callable(value) or isinstance(value, kinds)


def main() -> None:
    """Print one JSON list a module: its name, then its docstrings."""
    for name in compiled_modules():
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue  # It needs a library that this machine lacks.
        print(json.dumps([name, *docstrings(module)]))


if __name__ == "__main__":
    main()
