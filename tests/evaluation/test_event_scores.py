from __future__ import annotations

import numpy as np
import pytest

from lmcompare.errors import InputError
from lmcompare.evaluation.event_scores import EventScores


@pytest.fixture
def scores():
    native, matched = np.array([-1.0, -2.0, -np.inf, -0.5]), np.array([-1.0, -2.5, -3.0, -0.5])
    starts = {"valid": np.array([0, 2, 2, 4]), "test": np.array([0, 4])}
    return EventScores(
        starts,
        {
            ("valid", "native"): native,
            ("valid", "matched"): native,
            ("test", "native"): native,
            ("test", "matched"): matched,
        },
    )


def test_what_is_saved_is_read_back_bit_for_bit(scores, tmp_path):
    scores.save(tmp_path / "scores.npz")
    again = EventScores.load(tmp_path / "scores.npz")
    assert again.logprobs.keys() == scores.logprobs.keys()
    assert all(np.array_equal(again.logprobs[key], value) for key, value in scores.logprobs.items())
    assert all(np.array_equal(again.starts[key], value) for key, value in scores.starts.items())
    assert again.logprobs["valid", "native"] is again.logprobs["valid", "matched"]


def test_equal_scores_give_equal_bytes(scores, tmp_path):
    scores.save(tmp_path / "a")
    scores.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_documents_are_cut_at_their_starts(scores):
    assert [len(document) for document in scores.documents("valid", "native")] == [2, 0, 2]


@pytest.mark.parametrize("keep", [0, 10, 200, -30])
def test_a_truncated_file_is_named(keep, scores, tmp_path):
    path = tmp_path / "scores.npz"
    scores.save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"scores\.npz"):
        EventScores.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="missing"):
        EventScores.load(tmp_path / "none.npz")


def test_a_file_that_holds_objects_is_refused(tmp_path):
    path = tmp_path / "scores.npz"
    np.savez(path, **{"test.starts": np.array([0, 1]), "test.native": np.array([{}], dtype=object)})
    with pytest.raises(InputError, match="cannot be read"):
        EventScores.load(path)
