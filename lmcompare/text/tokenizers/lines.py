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
    return closed_bytes(sentences).decode()


def closed_bytes(sentences: Sequence[str]) -> bytes:
    """What `closed_lines` gives, as UTF-8."""
    text = "\n".join(sentences) + "\n" if sentences else ""
    data = _encoded(text)
    if data is None or data.count(b"\n") != len(sentences):
        data = b"".join(one_line(sentence) + b"\n" for sentence in sentences)
    return data


def _encoded(text: str) -> bytes | None:
    """UTF-8, or `None` where there is none."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def _quote(sentence: str) -> str:
    shown = sentence if len(sentence) <= 40 else sentence[:39] + "…"
    return f"sentence {ascii(shown) if _encoded(shown) is None else repr(shown)}"
