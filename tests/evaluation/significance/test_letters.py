from __future__ import annotations

import itertools

import numpy as np

from lmcompare.evaluation.significance import letters


def shares(shown: dict[str, str], a: str, b: str) -> bool:
    return bool(set(shown[a]) & set(shown[b]))


def test_two_models_share_a_letter_unless_they_were_told_apart():
    random = np.random.default_rng(0)
    for names in ("ab", "abcd", "abcdefg"):
        every = list(itertools.combinations(names, 2))
        for share in (0.0, 0.2, 0.5, 0.8, 1.0):
            for _ in range(10):
                apart = [pair for pair in every if random.random() < share]
                shown = letters(
                    list(names), [pair[::-1] if random.random() < 0.5 else pair for pair in apart]
                )
                assert [pair for pair in every if not shares(shown, *pair)] == apart
                assert all(shown.values())


def test_no_letter_can_be_left_out():
    random = np.random.default_rng(1)
    for _ in range(40):
        names = list("abcdef")
        apart = [pair for pair in itertools.combinations(names, 2) if random.random() < 0.5]
        shown = letters(names, apart)
        for letter in set("".join(shown.values())):
            less = {name: text.replace(letter, "") for name, text in shown.items()}
            together = [p for p in itertools.combinations(names, 2) if p not in apart]
            assert not all(shares(less, *pair) for pair in together) or not all(less.values())


def test_models_in_a_row_of_which_only_neighbours_are_alike():
    """The textbook picture: a, ab, b where first and last differ and the middle is like both."""
    assert letters(["x", "y", "z"], [("x", "z")]) == {"x": "a", "y": "ab", "z": "b"}
    assert letters(["x", "y", "z"], []) == {"x": "a", "y": "a", "z": "a"}
    assert letters(["x", "y", "z"], [("x", "y"), ("y", "z"), ("x", "z")]) == {"x": "a", "y": "b", "z": "c"}
    assert letters([], []) == {}


def test_the_twenty_seventh_letter_has_a_number():
    names = [str(number) for number in range(28)]
    shown = letters(names, list(itertools.combinations(names, 2)))
    assert (shown["25"], shown["26"], shown["27"]) == ("z", "a1", "b1")
