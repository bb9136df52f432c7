"""The signature of a number: in one line all that moves it, long for the record and short for a table.

As sacrebleu does it (Post 2018, "A call for clarity in reporting BLEU scores"): numbers with equal signatures
were made alike, and two that differ say where. Knows nothing of experiments.
"""

from __future__ import annotations

import contextlib
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from lmcompare import __version__
from lmcompare.evaluation import source_code
from lmcompare.files import digest

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
    "code": "src",
    "plugins": "pl",
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
    """The machine, the versions of all that computes, the code that scores; no package is imported to ask."""
    found = {"machine": f"{platform.system()}-{platform.machine()}"}
    found["python"] = ".".join(map(str, sys.version_info[:3]))
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return {**found, "lmcompare": __version__, "code": f"#{source_code.own_code()[:12]}"}


def plugins(kinds: Iterable[str]) -> dict[str, str]:
    """The code of those kinds of models that are not lmcompare's own; no part where all are."""
    code = source_code.code_of(kinds)
    found = [f"{name}#{key[:12]}" for name, key in code.items() if name != "lmcompare"]
    return {"plugins": "+".join(found)} if found else {}


def windows(window: int | None, stride: int | None) -> dict[str, str]:
    """What a model that reads on may see: its own context, or windows that move on by half if not told."""
    if window is None:
        return {"window": "own", "stride": "own"}
    return {"window": str(window), "stride": str(max(1, window // 2) if stride is None else stride)}


def differing(a: Signature, b: Signature, names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Those of the named parts that two signatures have different values of."""
    values = {name: (a.parts.get(name, "none"), b.parts.get(name, "none")) for name in names}
    return {name: pair for name, pair in values.items() if pair[0] != pair[1]}


def joined(signatures: Sequence[Signature]) -> Signature:
    """One signature of several models: `models` stands for all, other parts that differ are joined by +."""
    names = dict.fromkeys(name for each in signatures for name in each.parts if name != "model")
    parts = {
        name: "+".join(dict.fromkeys(each.parts[name] for each in signatures if name in each.parts))
        for name in names
    }
    key = digest([each.parts["model"] for each in signatures])
    return Signature({**parts, "models": f"{len(signatures)}#{key[:12]}"})


def _plain(value: str) -> str:
    return "".join("_" if sign in "|\n" else sign for sign in value)


def _short(value: str) -> str:
    """A hash after # cut to four digits, in each of the values joined by +."""
    cut = []
    for one in value.split("+"):
        name, mark, key = one.rpartition("#")
        cut.append(f"{name}{mark}{key[:4]}" if mark else one)
    return "+".join(cut)
