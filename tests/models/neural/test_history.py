import numpy as np
import torch

from lmcompare.models.neural.history import histories


def slow(text, place, length, bos):
    """The last tokens up to a place, read one by one backwards; a bos fills all that is older."""
    found = []
    for index in range(place, place - length, -1):
        ended = bool(found) and found[-1] == bos
        found.append(bos if ended or index < 0 else text[index])
    return found[::-1]


def test_histories_equal_reading_backwards_one_by_one():
    random = np.random.default_rng(0)
    text = random.integers(0, 5, (3, 20))
    found = histories(torch.from_numpy(text), None, 4, 0)
    for row in range(3):
        for place in range(20):
            assert found[row, place].tolist() == slow(text[row].tolist(), place, 4, 0)


def test_what_stands_before_is_seen_as_if_the_text_were_whole():
    text = torch.randint(0, 5, (2, 11))
    whole = histories(text, None, 3, 0)
    assert torch.equal(histories(text[:, 6:], text[:, 4:6], 3, 0), whole[:, 6:])


def test_a_history_of_one_token_is_the_token():
    text = torch.randint(0, 5, (2, 4))
    assert torch.equal(histories(text, None, 1, 0)[..., 0], text)
