"""Files of minimal pairs and of cloze items: BLiMP's, SLING's and LAMBADA's lines of JSON, or a CSV table.

Knows nothing of models.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmcompare.errors import InputError

SUFFIXES = (".jsonl", ".csv")
_GROUP = ("linguistics_term", "phenomenon")
_PARADIGM = ("UID", "paradigm")
# What corpora such as WikiText write apart: signs, and what follows an apostrophe.
_APART = re.compile(r"([.,!?;:()\"“”])|(?<=\w)('\w+)")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sentences of which one is right.

    Attributes:
        good: the right one.
        bad: the wrong one.
        phenomenon: what they are about, such as "island_effects".
        paradigm: the kind of pair within it.
    """

    good: str
    bad: str
    phenomenon: str
    paradigm: str


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, and those in the folders that are named, in order; each must be readable."""
    found: list[Path] = []
    for path in paths:
        every = sorted(path.rglob("*")) if path.is_dir() else []
        inside = [file for file in every if file.suffix in SUFFIXES]
        if not inside and not path.is_file():
            what = "the folder holds no .jsonl or .csv file" if path.is_dir() else "there is no such file"
            raise InputError(what, where=str(path), remedy="Name files of minimal pairs, or their folder")
        found += inside or [path]
    return found


def read_pairs(paths: Sequence[Path], each: int = 0) -> list[Pair]:
    """Every pair of some files; of each paradigm at most `each`, evenly spaced (0: all of them).

    Raises:
        InputError: a line without `sentence_good` and `sentence_bad` (in a table: `good` and `bad`).
    """
    found: dict[tuple[str, str], list[Pair]] = {}
    for path in files_of(paths):
        for line, record in _records(path):
            good = record.get("sentence_good", record.get("good"))
            bad = record.get("sentence_bad", record.get("bad"))
            where = f"{path}, line {line}"
            if not isinstance(good, str) or not isinstance(bad, str) or not good or not bad:
                remedy = "Give each line a sentence_good and a sentence_bad (in a table: good and bad)"
                raise InputError("the line holds no pair of sentences", where=where, remedy=remedy)
            paradigm = _first(record, _PARADIGM) or path.stem
            phenomenon = _first(record, _GROUP) or path.stem
            pair = Pair(good, bad, phenomenon, paradigm)
            found.setdefault((phenomenon, paradigm), []).append(pair)
    if not found:
        raise InputError("there is no pair in the files", where=str(paths[0]) if paths else "files")
    return [pair for pairs in found.values() for pair in _spaced(pairs, each)]


def read_cloze(paths: Sequence[Path], most: int = 0) -> list[str]:
    """Texts whose last word is asked for, as LAMBADA has them: lines of JSON with a `text`.

    Raises:
        InputError: a line without a text of at least two words.
    """
    found = []
    for path in files_of(paths):
        for line, record in _records(path):
            text = record.get("text")
            if not isinstance(text, str) or len(text.split()) < 2:
                what = "the line holds no text of at least two words"
                remedy = 'Give each line a "text" that ends in the word that is asked for'
                raise InputError(what, where=f"{path}, line {line}", remedy=remedy)
            found.append(" ".join(text.split()))
    return _spaced(found, most)


def apart(text: str) -> str:
    """Signs as words of their own, as in WikiText: "can't go." becomes "can 't go ."."""
    return " ".join(_APART.sub(r" \1\2 ", text).split())


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="" if path.suffix == ".csv" else None) as file:
            if path.suffix == ".csv":
                table = csv.DictReader(file)
                for row in table:
                    yield table.line_num, dict(row)
                return
            for number, text in enumerate(file, 1):
                if not text.strip():
                    continue
                record = json.loads(text)
                if not isinstance(record, dict):
                    raise InputError("the line is no JSON object", where=f"{path}, line {number}")
                yield number, record
    except UnicodeDecodeError:
        raise InputError("the file is not UTF-8 text", where=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror or error}", where=str(path)) from None
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", where=f"{path}, line {number}") from None
    except csv.Error as error:
        raise InputError(f"not a table: {error}", where=str(path)) from None


def _first(record: dict[str, Any], names: Sequence[str]) -> str:
    return next((str(record[name]) for name in names if record.get(name)), "")


def _spaced(items: list[Any], number: int) -> list[Any]:
    if not number or number >= len(items):
        return items
    return [items[(2 * place + 1) * len(items) // (2 * number)] for place in range(number)]
