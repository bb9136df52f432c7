"""The signature of a number: in one line all that moves it, long for the record and short for a table.

As sacrebleu does it (Post 2018, "A call for clarity in reporting BLEU scores"): numbers with equal signatures
were made alike, and two that differ say where. Knows nothing of experiments.
"""

from __future__ import annotations

import contextlib
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from lmcompare import __version__

PACKAGES = ("numpy", "scipy", "numba", "torch", "tokenizers", "kenlm")
"""What computes, and may round otherwise in another version."""
SHORT = {
    "corpus": "c",
    "text": "x",
    "split": "sp",
    "tokenizer": "tok",
    "eos": "eos",
    "bos": "bos",
    "policy": "p",
    "context": "ctx",
    "window": "w",
    "stride": "st",
    "models": "m",
    "model": "m",
    "seeds": "s",
    "dtype": "d",
    "unit": "u",
    "resamples": "n",
    "resampled": "rs",
    "oov": "oov",
    "evaluation": "e",
    "threads": "t",
    "machine": "mc",
    "python": "py",
    "lmcompare": "v",
}


@dataclass(frozen=True, slots=True)
class Signature:
    """Names and values, in order; a value holds no `|`."""

    parts: Mapping[str, str]

    def long(self) -> str:
        """`corpus:zh-daily#0123456789ab|split:test|...`: every part by its name."""
        return "|".join(f"{name}:{_plain(value)}" for name, value in self.parts.items())

    def short(self) -> str:
        """The same with short names, and hashes of four digits: `c:zh-daily#0123|sp:test|...`."""
        return "|".join(
            f"{SHORT.get(name, name)}:{_short(_plain(value))}" for name, value in self.parts.items()
        )


def always() -> dict[str, str]:
    """What holds of every number: each line end is predicted, `bos` is conditioned on."""
    return {"eos": "scored", "bos": "conditioned"}


def computed_with() -> dict[str, str]:
    """The machine and the versions of all that computes; nothing is imported to ask."""
    found = {"machine": f"{platform.system()}-{platform.machine()}"}
    found["python"] = ".".join(map(str, sys.version_info[:3]))
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return {**found, "lmcompare": __version__}


def _plain(value: str) -> str:
    return "".join("_" if sign in "|\n" else sign for sign in value)


def _short(value: str) -> str:
    """A hash after # cut to four digits, in each of the values joined by +."""
    cut = []
    for one in value.split("+"):
        name, mark, key = one.rpartition("#")
        cut.append(f"{name}{mark}{key[:4]}" if mark else one)
    return "+".join(cut)
