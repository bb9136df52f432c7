"""What a model tells of itself, its options and its notes, in the reader's language.

A model knows one language only, English, and results hold its words. Both strings files have each note as a
sentence with holes: what fits the English one is told with the other. What fits none stays as it is.
"""

from __future__ import annotations

import functools
import re
import string

from lmcompare.reporting.language import Language, language

_BETWEEN = re.compile(r", (?=[a-z_]+ )")
_OPTION = re.compile(r"([a-z][a-z0-9_]*) (.+)", re.DOTALL)
_FIRST = re.compile(r"first ([\d,]+) sentences")


def note_of(note: str, say: Language) -> str:
    """One note; that of a member of a mixture ("name: note") keeps the name."""
    for pattern, key in _notes():
        found = pattern.fullmatch(note)
        if found is not None:
            return found["member"] + say(key, **{k: v for k, v in found.groupdict().items() if k != "member"})
    return note


def options_of(summary: str, say: Language) -> str:
    """The options that were set, in one line; only their names are words, and are told."""
    if summary == "defaults":
        return say("option.defaults")
    return say("text.comma").join(_option(part, say) for part in _BETWEEN.split(summary))


def _option(part: str, say: Language) -> str:
    first = _FIRST.fullmatch(part)
    if first is not None:
        return say("option.first_sentences", count=first[1])
    found = _OPTION.fullmatch(part)
    if found is None:
        return part
    return f"{say.get(f'option.{found[1]}', found[1])} {found[2]}"


@functools.cache
def _notes() -> list[tuple[re.Pattern[str], str]]:
    english = language("en").strings
    return [(_pattern(sentence), key) for key, sentence in sorted(english.items()) if key.startswith("note.")]


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = [r"(?P<member>(?:[^:]+: )*?)"]
    for text, name, _, _ in string.Formatter().parse(sentence):
        parts += [re.escape(text), *([f"(?P<{name}>.+?)"] if name is not None else [])]
    return re.compile("".join(parts), re.DOTALL)
