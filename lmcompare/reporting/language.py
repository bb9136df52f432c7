"""The words of the report in English and in Chinese, and nothing else.

Every sentence that a reader sees comes from a file of `strings/<code>/`, so that a renderer holds no
language and a translator needs no Python. Both folders have the same keys (a test says so).
"""

from __future__ import annotations

import functools
import importlib.resources
import tomllib
from dataclasses import dataclass, field
from typing import Any

from lmcompare.errors import InputError

LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Language:
    """`say(key, **values)` gives the sentence of that key with the values filled in.

    Attributes:
        code: "en" or "zh".
        tag: BCP 47 tag for the page ("en", "zh-Hans").
        strings: key ("figure.curve.title") to sentence.
    """

    code: str
    tag: str
    strings: dict[str, str] = field(repr=False)

    def __call__(self, key: str, **values: object) -> str:
        """The sentence of `key`; each `{name}` in it is replaced by `values[name]`."""
        return self.strings[key].format(**values)

    def get(self, key: str, default: str) -> str:
        """The sentence of a key that only some data have, or `default`."""
        return self.strings.get(key, default)


@functools.cache
def language(code: str) -> Language:
    """The words of one language; raises `InputError` where there is no such language."""
    if code not in LANGUAGES:
        what = f"there is no report language {code!r}"
        raise InputError(what, remedy=f"Choose one of: {', '.join(LANGUAGES)}")
    folder = importlib.resources.files("lmcompare.reporting") / "strings" / code
    strings: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            strings |= _flat(tomllib.loads(file.read_text(encoding="utf-8")), "")
    return Language(code, strings.pop("tag"), strings)


def _flat(tree: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in tree.items():
        pairs += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, str(value))]
    return pairs
