"""Counts of n-grams as text, in and out: `w1 w2 w3<TAB>count`, as SRILM and Google's Web 1T write them.

Knows counts and how tokens are spelled (`spelling`), nothing of smoothing. Files may be packed; orders may be
mixed, or come in a file each. `<s>` opens a sentence and `</s>` ends it; words that the tokenizer does not
have are its unknown word. Lower orders may be left out: they are then summed up from the order above. What
that cannot know is how often a sentence is shorter than the order; such a sentence is a line of its own that
begins with `<s>`, and is the only kind of line that an order which is summed up may have.

Refused with file and line: text that is not UTF-8, a line that is no n-gram and count, a count below 1, an
n-gram twice, `<s>` or `</s>` inside one, an n-gram whose beginning or ending is not listed, and one that is
rarer than the longer ones that begin or end with it. Counts that were cut off, as Google's are at 40, pass.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from lmcompare.errors import InputError
from lmcompare.interface import Tokenizer
from lmcompare.models.ngram.compressed import read_unpacked, whole_file
from lmcompare.models.ngram.counts import Level
from lmcompare.models.ngram.listed import find
from lmcompare.models.ngram.spelling import names

MOST = 2**31 - 1
_ROWS = 100_000
_CHUNK = 1 << 24
_SPACE = np.isin(np.arange(256), np.frombuffer(b" \t\n\r\x0b\x0c", dtype=np.uint8))


def write_counts(
    levels: Sequence[Level], tokenizer: Tokenizer, path: Path, *, lower: bool = True
) -> list[int]:
    """Write counts, packed if the name ends in ".gz", ".bz2" or ".xz", whole or not at all.

    Args:
        levels: the n-grams of each order (`counts.count`).
        tokenizer: whose ids they hold.
        path: of the file.
        lower: whether the orders below the highest are listed, and not only what cannot be summed up.

    Returns:
        How many lines each order has.
    """
    words = np.array(names(tokenizer), dtype=object)
    lines = list[int]()
    with whole_file(path) as file:
        for grams, counts in _listed(levels, tokenizer.bos, lower):
            line = " ".join(["%s"] * grams.shape[1]) + "\t%d\n"
            for start in range(0, len(grams), _ROWS):
                rows = slice(start, start + _ROWS)
                fields = np.column_stack([words[grams[rows]], counts[rows].astype(object)])
                file.write((line * len(fields) % tuple(fields.ravel().tolist())).encode())
            lines.append(len(grams))
    return lines


def _listed(
    levels: Sequence[Level], bos: int, lower: bool
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int64]]]:
    """The n-grams and counts of each order that are written."""
    grams: NDArray[np.int32] = levels[0].words[:, None].astype(np.int32)
    for order, level in enumerate(levels, 1):
        counts = level.counts.astype(np.int64)
        if order > 1:
            grams = np.column_stack([grams[level.prefixes], level.words]).astype(np.int32)
        above = levels[order] if order < len(levels) else None
        if above is not None and (order == 1 or not lower):
            opened = np.bincount(above.prefixes[above.opens], above.counts[above.opens], len(counts))
            if order == 1:
                counts[bos] = opened[bos]  # never an event, but as often a context as there are sentences
            if not lower:
                counts = np.where(level.opens, counts - opened.astype(np.int64), 0)
        shown = np.flatnonzero(counts)
        yield grams[shown], counts[shown]


def read_counts(paths: Path | Sequence[Path], tokenizer: Tokenizer, order: int) -> list[Level]:
    """The n-grams of orders 1 to `order`, as `counts.count` has them: a text and its counts are the same.

    Args:
        paths: one file or several, such as one an order.
        tokenizer: the event space.
        order: of the longest n-grams that are wanted.

    Errors: `InputError` with file and line.
    """
    source = _Source([paths] if isinstance(paths, Path) else list(paths))
    found = source.read(tokenizer)
    # Where the longest n-grams all open a sentence, no sentence is longer, and longer n-grams do not exist.
    if order > max(found) and not np.all(found[max(found)].grams[:, 0] == tokenizer.bos):
        what = f"the counts are of n-grams of up to {max(found)} words, the order is {order}"
        raise InputError(what, where=source.name, remedy=f"Set order = {max(found)}")
    every: list[_Grams] = []
    above: _Grams | None = None
    for n in range(max(found), 0, -1):
        grams = found.get(n, _nothing(n))
        if above is not None and np.all(grams.grams[:, 0] == tokenizer.bos):
            grams = _summed_up(grams, above, tokenizer.bos)
        above = _sorted(grams, tokenizer, source)
        every.append(above)
    every = [*every[::-1], *(_nothing(n) for n in range(max(found) + 1, order + 1))]
    return _levels(every[:order], tokenizer, source)


@dataclass(frozen=True, slots=True)
class _Grams:
    """N-grams of one order: words `[k, n]`, counts `[k]`, and the number of each one's line, or -1 `[k]`."""

    grams: NDArray[np.int32]
    counts: NDArray[np.int64]
    lines: NDArray[np.int64]


class _Source:
    """Files of counts, their lines numbered through, and where in them a fault is."""

    def __init__(self, paths: Sequence[Path]) -> None:
        if not paths:
            raise InputError("no file of counts is named")
        self.paths = paths
        self.name = ", ".join(map(str, paths))
        self.firsts: list[int] = []

    def refuse(self, line: int, what: str) -> NoReturn:
        """Raise `InputError` at a line; -1 stands for n-grams that no line lists."""
        where = self.name
        if line >= 0:
            number = max(index for index, first in enumerate(self.firsts) if first <= line)
            where = f"{self.paths[number]}, line {line - self.firsts[number] + 1}"
        raise InputError(what, where=where, remedy="Count the text again")

    def read(self, tokenizer: Tokenizer) -> dict[int, _Grams]:
        """The n-grams of all lines, by their order; at least one."""
        ids = {name.encode(): index for index, name in enumerate(names(tokenizer))}
        for name, index in ((b"<S>", tokenizer.bos), (b"</S>", tokenizer.eos)):  # as Google spells them
            ids.setdefault(name, index)
        parts: dict[int, list[_Grams]] = {}
        line = 0
        for path in self.paths:
            self.firsts.append(line)
            content = read_unpacked(path)
            start = 0
            while start < len(content):
                stop = content.find(b"\n", start + _CHUNK) + 1 or len(content)
                part = content[start:stop]
                for order, grams in self._part(part, line, ids, tokenizer):
                    parts.setdefault(order, []).append(grams)
                line, start = line + part.count(b"\n"), stop
            line += 0 if content.endswith(b"\n") else 1
        if not parts:
            raise InputError("the files list no n-gram", where=self.name)
        return {order: _joined(grams) for order, grams in parts.items()}

    def _part(
        self, part: bytes, line: int, ids: dict[bytes, int], tokenizer: Tokenizer
    ) -> Iterable[tuple[int, _Grams]]:
        """The n-grams of some whole lines, the first of which has this number."""
        try:
            part.decode()
        except UnicodeDecodeError as error:
            self.refuse(line + part.count(b"\n", 0, error.start), "a word is not UTF-8 text")
        characters = np.frombuffer(part, dtype=np.uint8)
        opens = ~_SPACE[characters]
        opens[1:] &= _SPACE[characters[:-1]]
        of_field = np.cumsum(characters == 10, dtype=np.int32)[opens]
        widths = np.bincount(of_field) if len(of_field) else np.zeros(0, dtype=np.int64)
        lines = np.flatnonzero(widths)
        widths = widths[lines]
        fields = np.array(part.split(), dtype=object)
        firsts = np.cumsum(widths) - widths
        lines = lines + line
        if len(short := np.flatnonzero(widths < 2)):
            self.refuse(int(lines[short[0]]), "expected words and a count")
        counts = self._counts(fields[firsts + widths - 1], lines)
        for width in np.unique(widths).tolist():
            rows = np.flatnonzero(widths == width)
            words = fields[firsts[rows, None] + np.arange(width - 1)]
            flat = np.fromiter(map(ids.get, words.ravel(), itertools.repeat(-1)), np.int32, words.size)
            grams = flat.reshape(words.shape)
            unknown = grams < 0
            if tokenizer.unk is None and np.any(unknown):
                row, place = (int(found[0]) for found in np.nonzero(unknown))
                word = words[row, place].decode(errors="replace")
                self.refuse(int(lines[rows[row]]), f"{word!r} is no token of the tokenizer")
            grams[unknown] = tokenizer.unk or 0
            self._check_ends(grams, lines[rows], tokenizer)
            yield width - 1, _Grams(grams, counts[rows], lines[rows])

    def _counts(self, fields: NDArray[np.object_], lines: NDArray[np.int64]) -> NDArray[np.int64]:
        found = np.fromiter(map(_count, fields), np.int64, len(fields))
        if len(wrong := np.flatnonzero((found < 1) | (found > MOST))):
            said = fields[wrong[0]].decode(errors="replace")
            self.refuse(int(lines[wrong[0]]), f"{said!r} is not a count from 1 to {MOST:,}")
        return found

    def _check_ends(self, grams: NDArray[np.int32], lines: NDArray[np.int64], tokenizer: Tokenizer) -> None:
        inside = np.any(grams[:, 1:] == tokenizer.bos, axis=1) | np.any(
            grams[:, :-1] == tokenizer.eos, axis=1
        )
        if len(wrong := np.flatnonzero(inside)):
            self.refuse(int(lines[wrong[0]]), "a sentence starts or ends inside the n-gram")


def _count(field: bytes) -> int:
    """A count, 0 where it is none or has more digits than any."""
    return int(field) if field.isdigit() and len(field) <= 18 else 0


def _nothing(order: int) -> _Grams:
    none = np.zeros(0, dtype=np.int64)
    return _Grams(np.zeros((0, order), dtype=np.int32), none, none)


def _joined(parts: Sequence[_Grams]) -> _Grams:
    columns = zip(*((part.grams, part.counts, part.lines) for part in parts), strict=True)
    return _Grams(*map(np.concatenate, columns))


def _summed_up(short: _Grams, above: _Grams, bos: int) -> _Grams:
    """The n-grams of an order from those of the order above; `short` are those that nothing follows.

    What stands before an n-gram is a word or `bos`, so its count is the sum over all that ends with it.
    Nothing stands before one that `bos` opens: its count is the sum over all that begins with it and `short`.
    """
    opens = above.grams[:, 0] == bos
    ended = _Grams(above.grams[:, 1:], above.counts, np.full(len(opens), -1))
    begun = _Grams(above.grams[opens, :-1], above.counts[opens], np.full(int(opens.sum()), -1))
    return _joined([short, ended, begun])


def _sorted(found: _Grams, tokenizer: Tokenizer, source: _Source) -> _Grams:
    """Sorted by first word, then by the next, equal ones added up; a line may be repeated by none of its own.

    Words that the tokenizer does not know have become one word: such lines may be equal.
    """
    order = np.lexsort(found.grams.T[::-1])
    grams, counts, lines = found.grams[order], found.counts[order], found.lines[order]
    fresh = np.ones(len(grams), dtype=bool)
    fresh[1:] = np.any(grams[1:] != grams[:-1], axis=1)
    twice = ~fresh & (lines >= 0)
    twice[1:] &= lines[:-1] >= 0
    if tokenizer.unk is not None:
        twice &= ~np.any(grams == tokenizer.unk, axis=1)
    if len(wrong := np.flatnonzero(twice)):
        source.refuse(int(max(lines[wrong[0] - 1 : wrong[0] + 1])), "the n-gram stands twice")
    firsts = np.flatnonzero(fresh)
    if len(firsts) < len(grams):
        counts = np.add.reduceat(counts, firsts)
    if len(large := np.flatnonzero(counts > MOST)):
        what = f"an n-gram occurs {counts[large[0]]:,} times, more than {MOST:,}"
        source.refuse(int(lines[firsts[large[0]]]), what)
    return _Grams(grams[firsts], counts, lines[firsts])


def _levels(every: Sequence[_Grams], tokenizer: Tokenizer, source: _Source) -> list[Level]:
    """Sorted n-grams of all orders from 1 on as levels; `InputError` where they fit no text."""
    size, bos = tokenizer.size, tokenizer.bos
    ids = np.arange(size, dtype=np.int32)
    below = _Grams(ids[:, None], np.zeros(size, dtype=np.int64), np.full(size, -1))
    listed = every[0].grams[:, 0]
    below.counts[listed], below.lines[listed] = every[0].counts, every[0].lines
    singles = np.where(ids == bos, 0, below.counts).astype(np.int32)
    below.counts[bos] = below.counts[bos] or MOST  # not every tool lists how often `<s>` occurs
    zeros = np.zeros(size, dtype=np.int32)
    levels = [Level(zeros, ids, zeros, singles, np.zeros(size, dtype=bool))]
    keys = list[NDArray[np.int64]]()
    for found in every[1:]:
        words = found.grams[:, -1]
        prefixes, suffixes = find(keys, found.grams[:, :-1], size), find(keys, found.grams[:, 1:], size)
        _check_shorter(found, prefixes, below, "begin", source)
        _check_shorter(found, suffixes, below, "end", source)
        keys.append(prefixes * size + words)
        numbers = [column.astype(np.int32) for column in (prefixes, words, suffixes, found.counts)]
        levels.append(Level(numbers[0], numbers[1], numbers[2], numbers[3], found.grams[:, 0] == bos))
        below = found
    return levels


def _check_shorter(
    found: _Grams, shorter: NDArray[np.int64], below: _Grams, how: str, source: _Source
) -> None:
    """Refuse n-grams that begin (end) with no listed one, or with one that occurs less often than they do."""
    order = found.grams.shape[1] - 1
    listed = (shorter >= 0) & (below.counts[shorter] > 0) if len(below.counts) else shorter >= 0
    if len(missing := np.flatnonzero(~listed)):
        part = f"the {'first' if how == 'begin' else 'last'} {order} words are" if order > 1 else "a word is"
        what = f"{part} not listed as an n-gram of order {order}"
        source.refuse(int(found.lines[missing[0]]), what)
    sums = np.bincount(shorter, found.counts, len(below.counts))
    if len(wrong := np.flatnonzero(sums > below.counts)):
        less, more = int(below.counts[wrong[0]]), int(sums[wrong[0]])
        what = (
            f"the n-gram occurs {less:,} times, those that {how} with it and have a word more {more:,} times"
        )
        source.refuse(int(below.lines[wrong[0]]), what)
