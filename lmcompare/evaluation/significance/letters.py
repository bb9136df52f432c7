"""The compact letter display: models that share a letter were not told apart.

Knows nothing of how they were told apart.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def letters(names: Sequence[str], apart: Collection[tuple[str, str]]) -> dict[str, str]:
    """The fewest letters that insertion and absorption find, so that two share one unless they are `apart`.

    Piepho 2004, "An algorithm for a letter-based representation of all-pairwise comparisons": one group of
    all; each pair that is apart splits the groups that hold both; groups inside others are dropped. Then,
    as in his sweeping, a group is dropped whose every pair shares another group.

    Args:
        names: the models, best first; the first ones get the first letters.
        apart: pairs that were told apart, in any order.

    Returns:
        the letters of each name, in the order of the alphabet ("a", "ab", ...; after z come a1, b1, ...).
    """
    place = {name: index for index, name in enumerate(names)}
    groups = [frozenset(range(len(names)))] if names else []
    for a, b in sorted({tuple(sorted((place[a], place[b]))) for a, b in apart}):
        split = [group for group in groups if not {a, b} <= group]
        split += [group - {one} for group in groups if {a, b} <= group for one in (b, a)]
        groups = [
            group
            for index, group in enumerate(split)
            if not any(group < other or (group == other and index > at) for at, other in enumerate(split))
        ]
    groups = _swept(sorted(groups, key=sorted))
    shown = {name: "" for name in names}
    for number, group in enumerate(groups):
        for index in sorted(group):
            shown[names[index]] += _letter(number)
    return shown


def _swept(groups: list[frozenset[int]]) -> list[frozenset[int]]:
    """Without the groups that say nothing that the others do not say."""
    for group in list(groups):
        others = [other for other in groups if other is not group]
        pairs = [{a, b} for a in group for b in group if a <= b]
        if all(any(pair <= other for other in others) for pair in pairs):
            groups = others
    return groups


def _letter(number: int) -> str:
    turn, letter = divmod(number, len(ALPHABET))
    return ALPHABET[letter] + ("" if not turn else str(turn))
