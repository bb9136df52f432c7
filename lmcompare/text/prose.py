"""Documentation text to sentences of prose: what is no prose is dropped, punctuation is set apart.

Knows nothing of where the text comes from. Words and punctuation end up between single spaces, as in
the Penn Treebank and WikiText, so that the word tokenizer needs no rules of its own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

_RULE: Final = re.compile(r"[\s=*~^`+|_#.:-]{3,}")  # underlines, table borders
_BULLET: Final = re.compile(r"(?:[*+•-]|\(?(?:[0-9]{1,2}|[a-z])[.)])\s+")
_CODE: Final = re.compile(
    r">>>|\.\.\.|\.\. |[$%#>] |@\w|(?:def|class|import|from|if|for|while|return)\b.*[:=(]"
)
_MARKUP: Final = (
    (re.compile(r":[\w:.+-]+:`~?\.?([^`<]+?)(?:\s*<[^`]*>)?`"), r"\1"),  # :class:`X` -> X
    (re.compile(r"``(.+?)``|`([^`']+)[`']_{0,2}"), r"\1\2"),  # ``x``, `x`, `x' -> x
    (re.compile(r"(?<![\w*])\*{1,2}(\w[^*]*?)\*{1,2}(?![\w*])"), r"\1"),  # *x* -> x
    (re.compile(r"\s*\[[0-9]{1,2}\](?=[\s.,;:)]|$)"), ""),  # footnote marks
    (re.compile(r"::(?!\S)"), ":"),  # an example follows
)
_END: Final = re.compile(
    r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<!cf\.)(?<!etc\.)[\"”’')]*\s+(?=[\"“‘'(]*[A-Z])"
)
_STARTS: Final = re.compile(r"[\"“‘'(]*[A-Z]")
_ENDS: Final = re.compile(r"[.!?:][\"”’')]*$")
_WORD: Final = re.compile(r"[\"“‘'(]*[A-Za-z][A-Za-z'’-]*[\"”’')]*[.,;:!?]*[\"”’')]*")
_OPENING: Final = re.compile(r"(?<!\S)([\"“‘(\[])(?=\S)")
_CLOSING: Final = re.compile(r"(?<=\S)((?<!\.)\.{3}|(?<!e\.g)(?<!i\.e)(?<!\.)\.|[,;:!?\"”])(?!\S)")
_LONGEST: Final = 60  # words; longer ones are lists that lost their layout


def paragraphs_of(text: str) -> Iterator[tuple[str, ...]]:
    """The sentences of each paragraph of a docstring or help topic, tokens between single spaces.

    Dropped: examples, grammar productions, tables, headings, option lists, directives, and whatever has
    fewer than 3 or more than 60 words or does not end like a sentence (a docstring's summary need not).
    """
    for number, paragraph in enumerate(_paragraphs(text)):
        for pattern, replacement in _MARKUP:
            paragraph = pattern.sub(replacement, paragraph)
        sentences = tuple(filter(_is_prose, _cut(paragraph, summary=number == 0)))
        if sentences:
            yield tuple(map(set_apart, sentences))


def _is_prose(sentence: str) -> bool:
    words = sentence.split()
    plain = sum(_WORD.fullmatch(word) is not None for word in words)
    return 3 <= len(words) <= _LONGEST and plain >= 0.6 * len(words) and sentence.isprintable()


def set_apart(sentence: str) -> str:
    """Punctuation at the edges of words as tokens of its own; inside (os.path, don't, f()) it stays.

    >>> set_apart('Call "main()" (twice), then stop.')
    'Call " main() " ( twice ) , then stop .'
    """
    before = ""
    while before != sentence:
        before = sentence
        sentence = _CLOSING.sub(r" \1", _OPENING.sub(r"\1 ", sentence))
        sentence = " ".join(_close(word) for word in sentence.split())
    return sentence


def _close(word: str) -> str:
    """A closing bracket stays where the word opens it: `main()` but `twice )`."""
    for opening, closing in (("(", ")"), ("[", "]")):
        if len(word) > 1 and word.endswith(closing) and word.count(opening) < word.count(closing):
            return f"{word[:-1]} {closing}"
    return word


def _cut(paragraph: str, summary: bool) -> Iterator[str]:
    ends = [match.end() for match in _END.finditer(paragraph)]
    for start, end in itertools.pairwise([0, *ends, len(paragraph)]):
        sentence = paragraph[start:end].strip()
        if _STARTS.match(sentence) and (_ENDS.search(sentence) or (summary and not ends)):
            yield sentence


def _paragraphs(text: str) -> Iterator[str]:
    """Joined lines of each paragraph or list item that is not an example, a table or a heading."""
    lines: list[str] = []
    dropped = False
    for line in [*text.splitlines(), ""]:
        bare = line.strip()
        bullet = _BULLET.match(bare)
        if not bare or bullet:
            if lines and not dropped:
                yield " ".join(lines)
            lines, dropped = [], False
            if bullet:
                lines = [bare[bullet.end() :]]
        elif _RULE.fullmatch(bare):
            lines, dropped = [], False  # a heading's underline: what stands above it is no sentence
        else:
            if _CODE.match(bare) or "::=" in bare or re.search(r"\S {3,}\S", bare):
                dropped = True
            lines.append(bare)
