"""One sentence is one line: the checks that every tokenizer makes of the text it is given.

Knows nothing of ids.
"""

from __future__ import annotations

from collections.abc import Sequence

from lmcompare.errors import InputError


def one_line(sentence: str) -> bytes:
    """UTF-8 bytes of a sentence; raises `InputError` where it holds a line end or half a character."""
    if "\n" in sentence:
        remedy = "Split the text into lines, each is one sentence"
        raise InputError("a sentence holds a line end", where=_quote(sentence), remedy=remedy)
    try:
        return sentence.encode()
    except UnicodeEncodeError as error:
        what = f"character {error.start + 1} is half of a surrogate pair, not text"
        raise InputError(what, where=_quote(sentence), remedy="Give the text as UTF-8") from None


def closed_lines(sentences: Sequence[str]) -> str:
    """The sentences joined, each closed by a line end; raises `InputError` where one holds a line end."""
    text = "\n".join(sentences) + "\n" if sentences else ""
    if text.count("\n") != len(sentences) or not _encodable(text):
        for sentence in sentences:
            one_line(sentence)
    return text


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _quote(sentence: str) -> str:
    shown = sentence if len(sentence) <= 40 else sentence[:39] + "…"
    return f"sentence {ascii(shown) if not _encodable(shown) else repr(shown)}"
