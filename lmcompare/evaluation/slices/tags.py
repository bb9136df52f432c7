"""Tags of words that a user gives: read from a file, laid on the tokens of a split.

CoNLL-U (Universal Dependencies, version 2): the form and the upos of each word; the words of a range such as
"1-2" share its form, and their tags are joined by "+". Any other file: one line of tags for each sentence,
with as many tags as it has words between spaces, or else as the tokenizer makes tokens. Knows nothing of what
the tags are used for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lmcompare.errors import InputError
from lmcompare.interface import Tokenizer

_COLUMNS = 10
_REMEDY = "Give the tags of the same sentences in the same order"


@dataclass(frozen=True, slots=True)
class Tagged:
    """One sentence of a tag file.

    Attributes:
        line: where it begins in the file, from 1.
        tags: one a word.
        forms: the words; `None` where the file has none.
    """

    line: int
    tags: list[str]
    forms: list[str] | None = None


def read_tags(path: Path) -> list[Tagged]:
    """The sentences of a tag file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise InputError(f"the tags cannot be read: {reason}", where=str(path)) from None
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if first.count("\t") == _COLUMNS - 1:
        return _conllu(lines, path)
    return [Tagged(number, line.split()) for number, line in enumerate(lines, 1)]


def tags_of_events(
    sentences: Sequence[str], tagged: Sequence[Tagged], tokenizer: Tokenizer, path: Path
) -> list[str]:
    """The tag of each event of a split; a sentence's end has the tag "eos".

    A token has the tag of the word in which its first character stands that is no space; one of spaces alone
    has that of the word after it.

    Raises:
        InputError: names the first sentence that the file does not fit.
    """
    found: list[str] = []
    for number, (sentence, given) in enumerate(zip(sentences, tagged, strict=False), 1):
        encoding = tokenizer.encode(sentence)
        words, spans = _spans(sentence, given, len(encoding.ids), number, path)
        if spans is None:
            found += words if encoding.places is None else [words[place] for place in encoding.places]
        else:
            text = sentence.encode()
            firsts = [
                int(low) + len(part) - len(part.lstrip())
                for low, part in ((low, text[low:high]) for low, high in encoding.spans.tolist())
            ]
            places = np.searchsorted(np.array(spans), firsts, side="right") - 1
            found += [words[place] if place >= 0 else "other" for place in places]
        found.append("eos")
    _same_number(sentences, tagged, path)
    return found


def check_tags(sentences: Sequence[str], tagged: Sequence[Tagged], path: Path) -> None:
    """Raise `InputError` where tags do not fit a text, as far as that can be said without a tokenizer."""
    for number, (sentence, given) in enumerate(zip(sentences, tagged, strict=False), 1):
        if given.forms is not None:
            _spans(sentence, given, 0, number, path)
    _same_number(sentences, tagged, path)


def _same_number(sentences: Sequence[str], tagged: Sequence[Tagged], path: Path) -> None:
    if len(sentences) != len(tagged):
        what = f"there are tags of {len(tagged):,} sentences, and the text has {len(sentences):,}"
        raise InputError(what, where=str(path), remedy=_REMEDY)


def _spans(
    sentence: str, given: Tagged, tokens: int, number: int, path: Path
) -> tuple[list[str], list[int] | None]:
    """Tags, and the byte at which each one's word begins; `None` in its place where tags are of tokens."""
    where = f"{path}, line {given.line} (sentence {number:,})"
    forms = given.forms if given.forms is not None else sentence.split()
    if len(given.tags) != len(forms):
        if given.forms is None and len(given.tags) == tokens:
            return given.tags, None
        what = f"there are {len(given.tags):,} tags for {len(forms):,} words of {_short(sentence)}"
        raise InputError(what, where=where, remedy=_REMEDY)
    starts, place = [], 0
    for form in forms:
        while place < len(sentence) and sentence[place].isspace():
            place += 1
        starts.append(len(sentence[:place].encode()))
        for character in "".join(form.split()):
            while place < len(sentence) and sentence[place].isspace():
                place += 1
            if not sentence.startswith(character, place):
                what = f"the word {form!r} does not stand there in {_short(sentence)}"
                raise InputError(what, where=where, remedy=_REMEDY)
            place += 1
    if sentence[place:].strip():
        what = f"the words end before {_short(sentence[place:].strip())}"
        raise InputError(what, where=where, remedy=_REMEDY)
    return given.tags, starts


def _conllu(lines: list[str], path: Path) -> list[Tagged]:
    found: list[Tagged] = []
    current: Tagged | None = None
    until = 0
    for number, line in enumerate([*lines, ""], 1):
        if not line.strip():
            current, until = None, 0
            continue
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != _COLUMNS:
            what = f"a word has {_COLUMNS} columns in CoNLL-U, not {len(fields)}"
            raise InputError(what, where=f"{path}, line {number}")
        if current is None:
            current = Tagged(number, [], [])
            found.append(current)
        identity, form, tag = fields[0], fields[1], fields[3]
        low, dash, high = identity.partition("-")
        if "." in identity:  # a word that the text does not have
            continue
        if not low.isdigit() or (dash and not high.isdigit()):
            raise InputError(f"{identity!r} is no word's number", where=f"{path}, line {number}")
        assert current.forms is not None
        if dash:
            until = int(high)
            current.forms.append(form)
            current.tags.append("")
        elif int(low) <= until:
            current.tags[-1] = "+".join(filter(None, [current.tags[-1], tag]))
        else:
            current.forms.append(form)
            current.tags.append(tag)
    return found


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
