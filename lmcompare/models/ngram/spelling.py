r"""How tokens are written as words of an ARPA file: without blanks, and each in its own way.

Knows nothing of the file itself. `<s>`, `</s>` and `<unk>` stand for bos, eos and unk. A blank is what parts
words there, space, tab and the line ends of ASCII, or NUL; other white space of Unicode parts nothing, and is
a letter like any other. A token stands as it is, unless it is empty, is one of those three, holds a blank, or
would be read as such a one. Then a backslash is written, and the token after it, in which each backslash is
doubled and each blank is written `\{20}`, by its code in hexadecimal. So a literal "<unk>" is written
`\<unk>`, and the space of a character model `\\{20}`. The empty token is `\{}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lmcompare.interface import Tokenizer

BOS, EOS, UNK = "<s>", "</s>", "<unk>"
_RESERVED = {BOS, EOS, UNK, "<UNK>"}  # readers take <UNK> for <unk>
_EMPTY = "\\{}"
_BLANK = re.compile(r"[ \t\n\r\v\f\0]")
_ESCAPED = re.compile(r"\\(?:\\|\{([0-9a-f]{1,2})\})")


def written(token: str) -> str:
    """The word that stands for a token in an ARPA file."""
    return _escaped(token) if _is_escaped(token) else token


def read(word: str) -> str:
    """The token that a word of an ARPA file stands for: the inverse of `written`.

    A word that `written` would not have written comes from another tool and stands for itself.
    """
    if not word.startswith("\\"):
        return word
    if word == _EMPTY:
        return ""
    token = _ESCAPED.sub(lambda code: chr(int(code[1], 16)) if code[1] else "\\", word[1:])
    return token if _is_escaped(token) and _escaped(token) == word else word


def _is_escaped(token: str) -> bool:
    return not token or token in _RESERVED or bool(_BLANK.search(token)) or read(token) != token


def _escaped(token: str) -> str:
    doubled = token.replace("\\", "\\\\")
    return "\\" + _BLANK.sub(lambda blank: f"\\{{{ord(blank.group()):x}}}", doubled) if token else _EMPTY


def names(tokenizer: Tokenizer) -> list[str]:
    """The ARPA word of each id, all different, `[size]`.

    Ids that look alike to a person (`Tokenizer.token`) are told apart by their number. Words of a file that
    `vocabulary` left as they were are written so again.
    """
    tokens = [tokenizer.token(index) for index in range(tokenizer.size)]
    of_words = all(token and not _BLANK.search(token) for token in tokens)
    special = {tokenizer.bos: BOS, tokenizer.eos: EOS}
    if tokenizer.unk is not None:
        special[tokenizer.unk] = UNK
    found = [
        special.get(index) or (token if of_words and _is_left(token) else written(token))
        for index, token in enumerate(tokens)
    ]
    seen: set[str] = set()
    for index, name in enumerate(found):
        while name in seen:
            name = f"{name}\\{index}"
        seen.add(name)
        found[index] = name
    return found


def vocabulary(words: Iterable[str]) -> list[str]:
    """The tokens that the words of a file stand for, for a tokenizer that parts text at white space.

    A token that is empty or holds a blank could never be met in such text: it keeps its written form. So do
    all words where two would become the same.
    """
    words = list(words)
    tokens = [word if _is_left(word) else read(word) for word in words]
    return tokens if len(set(tokens)) == len(tokens) else words


def _is_left(word: str) -> bool:
    """Whether a word stands for what no text holds, or for a word that does."""
    token = read(word)
    return not token or bool(_BLANK.search(token)) or (token != word and _is_left(token))
