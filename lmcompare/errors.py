"""The one error that a user can cause, and that a user is shown as one sentence.

Knows nothing of what went wrong; it only gives every message the same three parts.
"""

from __future__ import annotations


class InputError(Exception):
    """What a user gave cannot be used: what is wrong, where, and how to mend it.

    The command line prints `str(error)` without a traceback and exits with code 2.

    Args:
        what: the fault, without a full stop ("order must be at least 1, not 0").
        where: file, line, field or folder ("experiment.toml, models[0].order").
        remedy: what to do about it, as an order ("Give an order from 1 to 8").
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(what)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f" {_ended(self.remedy)}" if self.remedy else ""
        return f"{place}{_ended(self.what)}{mend}"

    def __reduce__(self) -> tuple[object, tuple[str, str, str]]:
        # Worker processes send errors to their parent; keyword-only arguments need a hand.
        return _rebuild, (self.what, self.where, self.remedy)


def _ended(sentence: str) -> str:
    sentence = sentence.rstrip(".")
    return sentence if sentence.endswith("?") else f"{sentence}."


def _rebuild(what: str, where: str, remedy: str) -> InputError:
    return InputError(what, where=where, remedy=remedy)
