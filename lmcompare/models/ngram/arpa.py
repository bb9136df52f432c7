r"""Reading ARPA files, of any tool, plain or packed with gzip, bzip2 or xz.

Knows the format, not where the numbers come from. Read with tolerance: text before `\data\`, a byte
order mark, CR LF line ends, headers in capitals, spaces or tabs between fields, missing back-off weights (0),
`-inf`, `<UNK>` for `<unk>`, n-grams whose ending is not listed. Refused with file and line: a file without
`\end\` (it was cut off), counts that are not those of the header, a probability above 1, an n-gram twice, a
word that is not among the 1-grams, an n-gram whose beginning is not listed, no `<s>` or `</s>`, text that
is not UTF-8. Unlike KenLM, which gives them 10^-100, unknown words have no probability where the file has
no `<unk>`. `<s>` is never predicted, whatever the file says. Where a text holds "<s>", "</s>" or "<unk>" as
a word, that is a word like any other, and as no ARPA file can list it, an unknown one; files that were
written here list it in a spelling of its own (`spelling`). A line is parted at blanks of ASCII alone, text at
all white space: a word that holds a no-break space (U+A0) or an ideographic one (U+3000), as in files of web
text, keeps its probability but is never met in text, and a note says so; KenLM would meet it.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.models.ngram.compressed import read_unpacked
from lmcompare.models.ngram.kenlm_binary import is_binary
from lmcompare.models.ngram.listed import Grams, grow
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.spelling import BOS, EOS, UNK, vocabulary

_DATA = re.compile(rb"^[ \t]*\\data\\[ \t\r]*$", re.M | re.I)
_HEADER = re.compile(rb"^[ \t]*\\(?:([1-9][0-9]?)-grams:|(end)\\)[ \t\r]*$", re.M | re.I)
_COUNT = re.compile(rb"[ \t]*ngram[ \t]+([0-9]+)[ \t]*=[ \t]*([0-9]+)[ \t\r]*", re.I)
_SPACE = np.isin(np.arange(256), np.frombuffer(b" \t\n\r\x0b\x0c", dtype=np.uint8))
_CHUNK = 1 << 24
_LN10 = math.log(10)


def read_arpa(path: Path) -> NgramModel:
    """The model of an ARPA file; its word tokenizer has the ids bos 0, eos 1, unk 2, then words as listed.

    Errors: `InputError` with file and line.
    """
    from lmcompare.text.tokenizers.word import WordTokenizer

    file = _File(path)
    counts, sections = file.outline()
    words, singles = _unigrams(file, sections[0], counts[0])
    ids = {word: index for index, word in enumerate(words)}
    grams = [singles]
    for order, (section, count) in enumerate(zip(sections[1:], counts[1:], strict=True), 2):
        grams.append(_section(file, section, order, count, ids))
    tables = grow(grams, lambda order, row, what: file.refuse(file.line_of(sections[order - 1], row), what))
    tokenizer = WordTokenizer(vocabulary(word.decode() for word in words[3:]))
    return NgramModel(tokenizer, tables, {"read_from": path.name}, _never_met(tokenizer.entries))


def _never_met(words: Sequence[str]) -> list[str]:
    """What is to be told of words that the tokenizer would part, if there are any."""
    number = sum(word.split() != [word] for word in words)
    if not number:
        return []
    which = "1 word holds white space and is" if number == 1 else f"{number:,} words hold white space and are"
    return [f"{which} never met in text"]


def ngram_counts(path: Path) -> list[int]:
    """The number of n-grams of each order, as the header says."""
    return _File(path).outline()[0]


def list_words(path: Path) -> list[str]:
    """The words of the 1-grams, as written there, but for `<s>`, `</s>` and `<unk>`."""
    file = _File(path)
    counts, sections = file.outline()
    words, _ = _unigrams(file, sections[0], counts[0])
    return [word.decode() for word in words[3:]]


class _File:
    """The bytes of an ARPA file, and where in it an error is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if is_binary(path):
            remedy = "Use it through a model of kind kenlm"
            raise InputError("this is a KenLM binary, not an ARPA file", where=str(path), remedy=remedy)
        self.bytes = read_unpacked(path)

    def refuse(self, line: int, what: str) -> NoReturn:
        """Raise `InputError` at a line (from 1)."""
        raise InputError(what, where=f"{self.path}, line {line}", remedy="Write the ARPA file again")

    def line_at(self, offset: int) -> int:
        """The number of the line at a byte."""
        return self.bytes.count(b"\n", 0, offset) + 1

    def line_of(self, section: tuple[int, int], row: int) -> int:
        """The number of the line of a section's n-gram `row`, blank lines left out of the count."""
        lines = self.bytes[slice(*section)].split(b"\n")
        filled = [index for index, line in enumerate(lines) if line.strip()]
        return self.line_at(section[0]) + (filled[row] if row < len(filled) else len(lines) - 1)

    def outline(self) -> tuple[list[int], list[tuple[int, int]]]:
        """The number of n-grams of each order, and where in the bytes each section starts and ends."""
        data = _DATA.search(self.bytes.removeprefix(b"\xef\xbb\xbf"))
        if not data:
            self.refuse(1, r"not an ARPA file: it has no \data\ line")
        begin = data.end() + (3 if self.bytes[:3] == b"\xef\xbb\xbf" else 0)
        headers = list(_HEADER.finditer(self.bytes, begin))
        end = headers[0].start() if headers else len(self.bytes)
        counts: list[int] = []
        place = begin
        for line in self.bytes[begin:end].split(b"\n"):
            if line.strip():
                match = _COUNT.fullmatch(line)
                if not match or int(match[1]) != len(counts) + 1:
                    self.refuse(self.line_at(place), f"expected 'ngram {len(counts) + 1}=...'")
                counts.append(int(match[2]))
            place += len(line) + 1
        names = [int(header[1]) if header[1] else 0 for header in headers]
        last = self.line_at(len(self.bytes))
        if 0 not in names:
            self.refuse(last, r"the file ends before \end\: it was cut off")
        names, headers = names[: names.index(0)], headers[: names.index(0) + 1]
        if not counts or names != list(range(1, len(counts) + 1)):
            found = ", ".join(map(str, names)) or "none"
            self.refuse(
                self.line_at(begin), f"the header lists {len(counts)} orders, the sections are {found}"
            )
        sections = [(a.end(), b.start()) for a, b in itertools.pairwise(headers)]
        return counts, sections


def _unigrams(file: _File, section: tuple[int, int], count: int) -> tuple[list[bytes], Grams]:
    """The words (`<s>`, `</s>`, `<unk>` first) and the 1-grams."""
    logprobs, words, backoffs = _fields(file, section, 1, count)
    listed = {word: row for row, word in enumerate(words)}
    if len(listed) < len(words):
        firsts: dict[bytes, int] = {}
        row = next(row for row, word in enumerate(words) if firsts.setdefault(word, row) != row)
        file.refuse(
            file.line_of(section, row), f"the word {words[row].decode(errors='replace')!r} stands twice"
        )
    for row, word in enumerate(words):
        try:
            word.decode()
        except UnicodeDecodeError:
            file.refuse(file.line_of(section, row), "the word is not UTF-8 text")
    for special in (BOS, EOS):
        if special.encode() not in listed:
            file.refuse(file.line_at(section[0]), f"there is no {special} among the 1-grams")
    unknown = next((name for name in (UNK.encode(), b"<UNK>") if name in listed), None)
    first = [BOS.encode(), EOS.encode(), unknown or UNK.encode()]
    rows = np.array([listed[word] for word in first if word in listed])
    others = np.setdiff1d(np.arange(len(words)), rows)
    order = np.concatenate([rows, others])
    logprobs, backoffs = logprobs[order], backoffs[order]
    if unknown is None:
        logprobs, backoffs = np.insert(logprobs, 2, -np.inf), np.insert(backoffs, 2, 0.0)
    logprobs[0] = -np.inf  # bos is never predicted, whatever the file says
    every = [*first, *(words[row] for row in others)]
    return every, Grams(np.arange(len(every), dtype=np.int32)[:, None], logprobs, backoffs)


def _section(file: _File, section: tuple[int, int], order: int, count: int, ids: dict[bytes, int]) -> Grams:
    """The n-grams of one order above 1, in the file's order."""
    logprobs, words, backoffs = _fields(file, section, order, count)
    flat = np.fromiter(map(ids.get, words, itertools.repeat(-1)), np.int32, len(words))
    if len(flat) and flat.min() < 0:
        place = int(np.argmin(flat))
        word = words[place].decode(errors="replace")
        file.refuse(file.line_of(section, place // order), f"{word!r} is not among the 1-grams")
    grams = flat.reshape(-1, order)
    logprobs[grams[:, -1] == 0] = -np.inf  # bos again
    return Grams(grams, logprobs, backoffs)


def _fields(
    file: _File, section: tuple[int, int], order: int, count: int
) -> tuple[NDArray[np.float64], list[bytes], NDArray[np.float64]]:
    """Log p and back-off weight (natural) of each line, and all words one after the other."""
    logprobs, backoffs, words = [np.zeros(0)], [np.zeros(0)], list[bytes]()
    start, done = section[0], 0
    while start < section[1]:
        stop = section[1] if section[1] - start <= _CHUNK else file.bytes.find(b"\n", start + _CHUNK) + 1
        stop = section[1] if stop == 0 else min(stop, section[1])
        part = file.bytes[start:stop]
        widths = _widths(part)
        wrong = np.flatnonzero((widths != order + 1) & (widths != order + 2))
        if len(wrong):
            what = f"expected a probability, {order} words and at most one back-off weight"
            file.refuse(file.line_of(section, done + int(wrong[0])), f"{what}, not {widths[wrong[0]]} fields")
        fields = np.array(part.split(), dtype=object)
        ends = np.cumsum(widths)
        firsts = ends - widths
        weighted = widths == order + 2
        logprobs.append(_numbers(file, section, done, fields[firsts], np.arange(len(widths))))
        backoff = np.zeros(len(widths))
        backoff[weighted] = _numbers(
            file, section, done, fields[ends[weighted] - 1], np.flatnonzero(weighted)
        )
        backoffs.append(backoff)
        words += fields[firsts[:, None] + np.arange(1, order + 1)].ravel().tolist()
        done, start = done + len(widths), stop
    if done != count:
        file.refuse(file.line_at(section[0]), f"{done} n-grams of order {order}, the header says {count}")
    found = np.concatenate(logprobs)
    above = np.flatnonzero(found > 0)
    if len(above):
        file.refuse(file.line_of(section, int(above[0])), "the probability is above 1")
    return found * _LN10, words, np.concatenate(backoffs) * _LN10


def _widths(text: bytes) -> NDArray[np.int64]:
    """The number of fields of each line that has any."""
    characters = np.frombuffer(text, dtype=np.uint8)
    blank = _SPACE[characters]
    opens = ~blank
    opens[1:] &= blank[:-1]
    lines = np.cumsum(characters == 10)[opens]
    widths = np.bincount(lines) if len(lines) else np.zeros(0, dtype=np.int64)
    return np.asarray(widths[widths > 0])


def _numbers(
    file: _File, section: tuple[int, int], done: int, fields: NDArray[np.object_], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Fields as numbers; the file's lines `done + rows` are named where one is none."""
    try:
        numbers = np.fromiter(map(float, fields), np.float64, len(fields))
        usable = b"_" not in b"".join(fields)  # Python takes 1_000 for a number
    except ValueError:
        usable = False
    if usable:
        wrong = np.flatnonzero(np.isnan(numbers) | (numbers == np.inf))
    else:
        wrong = np.flatnonzero([not _is_number(field) for field in fields])
    if len(wrong):
        field = fields[wrong[0]].decode(errors="replace")
        file.refuse(file.line_of(section, done + int(rows[wrong[0]])), f"{field!r} is not a number")
    return numbers


def _is_number(field: bytes) -> bool:
    try:
        return b"_" not in field and float(field) < math.inf  # false of nan
    except ValueError:
        return False
