r"""How tokens are written as words of an ARPA file: without white space, and each in its own way.

Knows nothing of the file itself. `<s>`, `</s>` and `<unk>` stand for bos, eos and unk. A token stands as
it is, unless it is empty, is one of those three, starts with a backslash, or holds white space or NUL.
Such a token is written as a backslash followed by the token, in which each backslash is doubled and each
white-space character is written `\{20}`, by its code in hexadecimal. So a literal "<unk>" is written
`\<unk>`, and the space of a character model `\\{20}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lmcompare.interface import Tokenizer

BOS, EOS, UNK = "<s>", "</s>", "<unk>"
_RESERVED = {BOS, EOS, UNK, "<UNK>"}  # readers take <UNK> for <unk>
_BLANK = re.compile(r"[\s\0]")
_ESCAPED = re.compile(r"\\(?:\\|\{([0-9a-f]+)\})")


def written(token: str) -> str:
    """The word that stands for a token in an ARPA file."""
    if token and token not in _RESERVED and token[0] != "\\" and not _BLANK.search(token):
        return token
    doubled = token.replace("\\", "\\\\")
    return "\\" + _BLANK.sub(lambda blank: f"\\{{{ord(blank.group()):x}}}", doubled)


def read(word: str) -> str:
    """The token that a word of an ARPA file stands for: the inverse of `written`.

    A word that `written` would not have written comes from another tool and stands for itself.
    """
    if not word.startswith("\\"):
        return word
    token = _ESCAPED.sub(lambda code: chr(int(code[1], 16)) if code[1] else "\\", word[1:])
    return token if written(token) == word else word


def names(tokenizer: Tokenizer) -> list[str]:
    """The ARPA word of each id, all different, `[size]`.

    Ids that look alike to a person (`Tokenizer.token`) are told apart by their number.
    """
    special = {tokenizer.bos: BOS, tokenizer.eos: EOS}
    if tokenizer.unk is not None:
        special[tokenizer.unk] = UNK
    found = [special.get(index) or written(tokenizer.token(index)) for index in range(tokenizer.size)]
    seen: set[str] = set()
    for index, name in enumerate(found):
        while name in seen:
            name = f"{name}\\{index}"
        seen.add(name)
        found[index] = name
    return found


def vocabulary(words: Iterable[str]) -> list[str]:
    """The tokens that the words of a file stand for, for a tokenizer that parts text at white space.

    A token with white space inside could never be met in such text: it keeps its written form. So do all
    words where two would become the same.
    """
    words = list(words)
    tokens = [token if (token := read(word)) and not _BLANK.search(token) else word for word in words]
    return tokens if len(set(tokens)) == len(tokens) else words
